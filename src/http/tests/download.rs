use crate::http::testing::Server;
use crate::replica::Role;

const CONTENT: &[u8] = b"0123456789";

/// A server with one file, and the address of its content.
fn server() -> (Server, String) {
    let server = Server::start(Role::Frontend);
    let record = server.store("%C3%A9%22.txt", CONTENT);
    let url = record["url"].as_str().unwrap().to_owned();
    (server, url)
}

#[test]
fn the_whole_content_comes_with_all_that_describes_it() {
    let (server, url) = server();
    let answer = server.get(&url, &[]);
    assert_eq!((answer.status, answer.body.as_slice()), (200, CONTENT));
    let id = url.split('/').nth(3).unwrap();
    assert_eq!(answer.header("etag"), Some(format!("\"{id}\"").as_str()));
    assert_eq!(answer.header("content-length"), Some("10"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let disposition = "attachment; filename=\"__.txt\"; filename*=UTF-8''%C3%A9%22.txt";
    assert_eq!(answer.header("content-disposition"), Some(disposition));
    let digest = "sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:";
    assert_eq!(answer.header("repr-digest"), Some(digest));
    assert!(answer.header("last-modified").unwrap().ends_with("GMT"));
}

#[test]
fn head_is_get_without_the_bytes() {
    let (server, url) = server();
    let (head, get) = (server.request("HEAD", &url, &[], b""), server.get(&url, &[]));
    let described = |headers: &[(String, String)]| {
        let varying = |name: &str| matches!(name, "date" | "x-request-id");
        let mut kept: Vec<_> = headers.iter().filter(|(name, _)| !varying(name)).cloned().collect();
        kept.sort();
        kept
    };
    assert_eq!(head.status, 200);
    assert_eq!(described(&head.headers), described(&get.headers));
}

#[test]
fn head_leaves_the_connection_fit_for_the_next_request() {
    let (server, url) = server();
    let mut connection = server.connect();
    connection.send_head("HEAD", &url, &[("Range", "bytes=0-1")]);
    let head = connection.read("HEAD");
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
    connection.send_head("GET", &url, &[]);
    assert_eq!(connection.read("GET").body, CONTENT);
}

#[test]
fn one_range_is_206() {
    let (server, url) = server();
    for (range, content_range, body) in [
        ("bytes=2-5", "bytes 2-5/10", &b"2345"[..]),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=-4", "bytes 6-9/10", b"6789"),
        ("bytes=0-100", "bytes 0-9/10", CONTENT),
        ("bytes=1-2,3-4", "bytes 1-4/10", b"1234"),
    ] {
        let answer = server.get(&url, &[("Range", range)]);
        assert_eq!((answer.status, answer.body.as_slice()), (206, body), "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range));
        assert_eq!(answer.header("repr-digest"), server.get(&url, &[]).header("repr-digest"));
    }
}

#[test]
fn several_ranges_are_one_multipart_answer() {
    let (server, url) = server();
    let answer = server.get(&url, &[("Range", "bytes=8-,0-1,4-5")]);
    assert_eq!(answer.status, 206);
    assert_eq!(answer.header("content-range"), None);
    let kind = answer.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range, bytes| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{bytes}"
        )
    };
    let expected =
        [part("8-9", "89"), part("0-1", "01"), part("4-5", "45"), format!("\r\n--{boundary}--\r\n")];
    assert_eq!(answer.text(), expected.concat());
}

#[test]
fn a_range_past_the_content_is_416_and_says_the_length() {
    let (server, url) = server();
    let answer = server.get(&url, &[("Range", "bytes=10-")]);
    assert_eq!(answer.problem(416, "range_not_satisfiable")["length"], 10);
    assert_eq!(answer.header("content-range"), Some("bytes */10"));
}

#[test]
fn a_range_that_is_not_understood_is_ignored() {
    let (server, url) = server();
    for range in ["lines=1-2", "bytes=5-2", "bytes=x"] {
        assert_eq!(server.get(&url, &[("Range", range)]).status, 200, "{range}");
    }
}

#[test]
fn if_range_keeps_a_client_from_joining_two_files() {
    let (server, url) = server();
    let whole = server.get(&url, &[]);
    let (etag, date) = (whole.header("etag").unwrap(), whole.header("last-modified").unwrap());
    for same in [etag, date] {
        assert_eq!(server.get(&url, &[("Range", "bytes=0-1"), ("If-Range", same)]).status, 206);
    }
    let other = server.get(&url, &[("Range", "bytes=0-1"), ("If-Range", "\"other\"")]);
    assert_eq!((other.status, other.body.as_slice()), (200, CONTENT));
}

#[test]
fn what_the_client_has_is_304_without_a_body() {
    let (server, url) = server();
    let whole = server.get(&url, &[]);
    let (etag, date) = (whole.header("etag").unwrap(), whole.header("last-modified").unwrap());
    for known in [("If-None-Match", etag), ("If-Modified-Since", date)] {
        let answer = server.get(&url, &[known]);
        assert_eq!((answer.status, answer.header("etag")), (304, Some(etag)));
    }
    assert_eq!(server.get(&url, &[("If-None-Match", "\"other\"")]).status, 200);
    server.get(&url, &[("If-Match", "\"other\"")]).problem(412, "precondition_failed");
}

#[test]
fn an_empty_file_can_be_read() {
    let server = Server::start(Role::Frontend);
    let url = server.store("empty", b"")["url"].as_str().unwrap().to_owned();
    for headers in [&[][..], &[("Range", "bytes=0-")]] {
        let answer = server.get(&url, headers);
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")));
    }
}

#[test]
fn the_type_is_guessed_by_the_name_if_the_client_said_none() {
    let server = Server::start(Role::Frontend);
    for (name, kind) in [("a.png", "image/png"), ("a", "application/octet-stream")] {
        let url = server.store(name, b"x")["url"].as_str().unwrap().to_owned();
        assert_eq!(server.get(&url, &[]).header("content-type"), Some(kind));
    }
}

#[test]
fn an_incomplete_upload_is_409() {
    let server = Server::start(Role::Frontend);
    let created = server.tus("POST", "/files/", &[("Upload-Length", "5")], b"");
    let id = created.header("location").unwrap().trim_start_matches("/files/").to_owned();
    let answer = server.get(&format!("/api/uploads/{id}/content"), &[]);
    assert_eq!(answer.problem(409, "incomplete")["offset"], 0);
}

#[test]
fn content_that_fails_midway_breaks_the_connection_rather_than_ending_well() {
    let server = Server::start(Role::Frontend);
    let url = server.store("a", &[7; 100_000])["url"].as_str().unwrap().to_owned();
    server.memory.look().uploads.values_mut().for_each(|(_, content)| content.truncate(90_000));
    for headers in [&[][..], &[("Range", "bytes=0-80000,80002-99999")]] {
        let mut connection = server.connect();
        connection.send_head("GET", &url, headers);
        let answer = connection.read("GET");
        let promised: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert!(answer.body.len() < promised);
        assert!(connection.is_over());
    }
}

#[test]
fn content_that_fails_before_its_first_byte_is_a_problem() {
    let (server, url) = server();
    let id = url.split('/').nth(3).unwrap().parse().unwrap();
    server.memory.look().unreadable = Some(id);
    for headers in [&[][..], &[("Range", "bytes=0-1")], &[("Range", "bytes=0-1,5-6")]] {
        server.get(&url, headers).problem(503, "unavailable");
    }
}

/// Whatever is asked of it, and whoever remembers what it was.
#[test]
fn content_that_was_removed_is_gone_though_it_was_read_before() {
    let (server, url) = server();
    let tag = format!("\"{}\"", url.split('/').nth(3).unwrap());
    let asked: [&[(&str, &str)]; 8] = [
        &[],
        &[("Range", "bytes=2-5")],
        &[("Range", "bytes=2-5"), ("If-Range", &tag)],
        &[("Range", "bytes=0-1,5-6")],
        &[("Range", "bytes=10-")],
        &[("If-None-Match", &tag)],
        &[("If-Match", "\"another\"")],
        &[("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")],
    ];
    let statuses = asked.map(|headers| server.get(&url, headers).status);
    assert_eq!(statuses, [200, 206, 206, 206, 416, 304, 412, 304]);
    server.request("DELETE", url.strip_suffix("/content").unwrap(), &[], b"");
    for headers in asked {
        server.get(&url, headers).problem(410, "gone");
        assert_eq!(server.request("HEAD", &url, headers, b"").status, 410);
    }
}
