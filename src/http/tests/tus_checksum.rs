//! `Upload-Checksum`.

use crate::http::testing::{Answer, Server};
use crate::replica::Role;

const OFFSET_STREAM: (&str, &str) = ("Content-Type", "application/offset+octet-stream");
/// Of "hello world".
const SUMS: [&str; 4] = [
    "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
    "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
    "md5 XrY7u+Ae7tCTyyK7j1rNww==",
    "crc32 DUoRhQ==",
];

fn patch(server: &Server, location: &str, sum: &str, body: &[u8]) -> Answer {
    let headers = [("Upload-Offset", "0"), ("Upload-Checksum", sum), OFFSET_STREAM];
    server.tus("PATCH", location, &headers, body)
}

fn begin(server: &Server) -> String {
    let answer = server.tus("POST", "/files/", &[("Upload-Length", "11")], b"");
    answer.header("location").unwrap().to_owned()
}

fn offset(server: &Server, location: &str) -> String {
    server.tus("HEAD", location, &[], b"").header("upload-offset").unwrap().to_owned()
}

#[test]
fn a_right_checksum_lets_the_bytes_count() {
    let server = Server::start(Role::Frontend);
    for sum in SUMS {
        let location = begin(&server);
        let answer = patch(&server, &location, sum, b"hello world");
        assert_eq!((answer.status, answer.header("upload-offset")), (204, Some("11")), "{sum}");
    }
}

#[test]
fn a_wrong_checksum_is_460_and_moves_nothing() {
    let server = Server::start(Role::Frontend);
    for sum in SUMS {
        let location = begin(&server);
        let answer = patch(&server, &location, sum, b"hello worlD");
        answer.problem(460, "wrong_checksum");
        assert_eq!(offset(&server, &location), "0", "{sum}");
    }
}

#[test]
fn an_algorithm_that_is_not_there_is_400_and_names_those_that_are() {
    let server = Server::start(Role::Frontend);
    let location = begin(&server);
    for bad in ["sha512 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1", "sha1 Kq5s", "crc32 ?"] {
        patch(&server, &location, bad, b"hello world").problem(400, "bad_header");
    }
    let said = patch(&server, &location, "sha512 YQ==", b"hello world").problem(400, "bad_header");
    assert!(said["detail"].as_str().unwrap().contains("sha1, sha256, md5 and crc32"), "{said}");
    assert_eq!(offset(&server, &location), "0");
}

#[test]
fn bytes_that_come_with_a_creation_are_checked_too_and_if_wrong_nothing_is_created() {
    let server = Server::start(Role::Frontend);
    let create = |body| {
        let headers = [("Upload-Length", "11"), ("Upload-Checksum", SUMS[0]), OFFSET_STREAM];
        server.tus("POST", "/files/", &headers, body)
    };
    let answer = create(b"hello world");
    assert_eq!((answer.status, answer.header("upload-offset")), (201, Some("11")));
    create(b"hello worlD").problem(460, "wrong_checksum");
    // Nothing is not "hello world" either.
    create(b"").problem(460, "wrong_checksum");
    assert_eq!(server.memory.look().uploads.len(), 1);
}

/// A backend believes what a frontend says of its chunk; nobody else is believed.
#[test]
fn a_client_cannot_keep_its_bytes_from_counting() {
    let server = Server::start(Role::Frontend);
    let location = begin(&server);
    let headers = [("Upload-Offset", "0"), ("X-Upload-Pending", "1"), OFFSET_STREAM];
    let answer = server.tus("PATCH", &location, &headers, b"hello world");
    assert_eq!((answer.status, answer.header("upload-offset")), (204, Some("11")));
    assert_eq!(offset(&server, &location), "11");
}
