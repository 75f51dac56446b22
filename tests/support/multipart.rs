//! `multipart/form-data` (RFC 7578) as a browser writes it, `multipart/byteranges` (RFC 9110, section 14.6) as a reader
//! takes it apart.

const BOUNDARY: &str = "----a-boundary-that-occurs-nowhere-else";

/// A form of files, each with its name, and the content type that goes with it.
pub fn form(files: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// The `Content-Range` and the bytes of each part.
pub fn parts(content_type: &str, body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let boundary = content_type.split("boundary=").nth(1).unwrap().trim_matches('"');
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter may stand at the very beginning.
    let body = [b"\r\n", body].concat();
    let pieces = split(&body, delimiter.as_bytes());
    assert!(pieces.last().unwrap().starts_with(b"--"), "the last delimiter closes the body");
    pieces[1..pieces.len() - 1].iter().map(|piece| part(piece)).collect()
}

fn part(piece: &[u8]) -> (String, Vec<u8>) {
    let at = find(piece, b"\r\n\r\n").unwrap();
    let head = String::from_utf8(piece[..at].to_vec()).unwrap();
    let field = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-range: ").map(str::to_owned));
    (field.unwrap(), piece[at + 4..].to_vec())
}

fn split<'a>(mut bytes: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while let Some(at) = find(bytes, delimiter) {
        pieces.push(&bytes[..at]);
        bytes = &bytes[at + delimiter.len()..];
    }
    pieces.push(bytes);
    pieces
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
