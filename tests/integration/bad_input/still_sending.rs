//! Clients that go on sending when their answer is out already: they must see it, not a reset.

use super::{LIMIT, MIB, Target, problem};
use crate::support::api::{Tus, tus};
use crate::support::client::{Exchange, Request};
use crate::support::content::Content;
use crate::support::external::{curl, curl_from};
use serde_json::Value;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// Far more than sockets on both sides hold.
const BIG: u64 = 64 * MIB;

fn big_file(target: &Target) -> PathBuf {
    let file = target.0.folder.path().join("big.bin");
    Content::new(1, BIG).write_to(&file);
    file
}

/// What curl shows of an error: the problem, after its status.
#[track_caller]
fn assert_seen(printed: &str, status: u16, code: &str) {
    let (body, seen) = printed.rsplit_once('\n').unwrap();
    let problem: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {printed}"));
    assert_eq!((seen, &problem["code"]), (status.to_string().as_str(), &code.into()), "{printed}");
}

const STATUS: [&str; 2] = ["--write-out", "\n%{http_code}"];

#[test]
fn curl_sees_that_a_file_is_too_large_however_it_sends_it() {
    for target in Target::each() {
        let file = big_file(&target);
        let path = file.to_str().unwrap();
        let (folder, pipe) = (target.url().at("/api/uploads/"), target.url().at("/api/uploads/piped"));
        let form = format!("file=@{path}");
        // With `Expect:` curl does not wait for the server's word before it sends the body.
        for expect in [&["--header", "Expect:"][..], &[]] {
            let with = |arguments: &[&'static str]| [&STATUS[..], expect, arguments].concat();
            let put = with(&[]).into_iter().chain(["-T", path, &folder]).collect::<Vec<_>>();
            assert_seen(&curl(put), 413, "too_large");
            let piped = with(&[]).into_iter().chain(["-T", "-", &pipe]).collect::<Vec<_>>();
            assert_seen(&curl_from(File::open(&file).unwrap(), piped), 413, "too_large");
            let formed = with(&[]).into_iter().chain(["-F", &form, &folder]).collect::<Vec<_>>();
            assert_seen(&curl(formed), 413, "too_large");
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn curl_sees_that_its_offset_is_wrong() {
    for target in Target::each() {
        let file = target.0.folder.path().join("chunk.bin");
        Content::new(2, LIMIT - MIB).write_to(&file);
        let upload = Tus::create(target.url(), LIMIT);
        let url = target.url().at(&upload.path);
        let fields = [
            "Tus-Resumable: 1.0.0",
            "Upload-Offset: 1048576",
            "Content-Type: application/offset+octet-stream",
            "Expect:",
        ];
        let headers = fields.iter().flat_map(|field| ["--header", field]);
        let patch =
            STATUS.into_iter().chain(headers).chain(["-X", "PATCH", "-T", file.to_str().unwrap(), &url]);
        assert_seen(&curl(patch), 409, "wrong_offset");
        assert_eq!(upload.offset(target.url()), 0);
        target.assert_unharmed(&["test.bin"]);
    }
}

/// Sends a whole body slowly, as over a line that takes a while for it, and only then reads.
fn sends_all_before_it_reads(request: Request, chunked: bool) -> Exchange {
    let request = match chunked {
        true => request.header("Transfer-Encoding", "chunked"),
        false => request.header("Content-Length", 30 * MIB),
    };
    let mut exchange = request.begin().unwrap();
    let piece = vec![7; MIB as usize];
    for _ in 0..30 {
        let framed = if chunked { [b"100000\r\n", &piece[..], b"\r\n"].concat() } else { piece.clone() };
        exchange.write(&framed).unwrap();
        // Time is the subject: in all three seconds, longer than the second for which the framework lingers by itself.
        std::thread::sleep(Duration::from_millis(100));
    }
    if chunked {
        exchange.write(b"0\r\n\r\n").unwrap();
    }
    exchange
}

#[test]
fn a_client_that_reads_only_at_the_end_sees_its_answer() {
    for target in Target::each() {
        let upload = Tus::create(target.url(), LIMIT);
        let cases = [(false, 413, "too_large"), (true, 413, "too_large"), (true, 409, "wrong_offset")];
        std::thread::scope(|scope| {
            for (chunked, status, code) in cases {
                let request = match code {
                    "wrong_offset" => tus(target.url(), "PATCH", &upload.path)
                        .header("Upload-Offset", 5)
                        .header("Content-Type", "application/offset+octet-stream"),
                    _ => target.request("PUT", "/api/uploads/over"),
                };
                scope.spawn(move || {
                    problem(sends_all_before_it_reads(request, chunked).answer().unwrap(), status, code)
                });
            }
        });
        target.assert_unharmed(&["test.bin"]);
    }
}

#[test]
fn a_client_that_never_ends_a_refused_body_is_let_go() {
    for target in Target::each() {
        let open: Vec<Exchange> = ["Content-Length: 1000", "Transfer-Encoding: chunked"]
            .map(|framing| {
                target
                    .url()
                    .raw(format!("POST /no/such HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n3\r\nabc\r\n"))
            })
            .into();
        for exchange in open {
            // Ends only when the server closes.
            let answer = String::from_utf8(exchange.rest()).unwrap();
            assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("connection: close"), "{answer}");
        }
        target.assert_unharmed(&[]);
    }
}
