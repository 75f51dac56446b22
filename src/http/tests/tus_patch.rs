use crate::domain::UploadId;
use crate::http::testing::{Answer, Server};
use crate::replica::Role;

const OFFSET_STREAM: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

fn server() -> Server {
    Server::start(Role::Frontend)
}

/// Begins an upload and gives its address.
fn begin(server: &Server, length: &[(&str, &str)]) -> String {
    let answer = server.tus("POST", "/files/", length, b"");
    answer.header("location").unwrap().to_owned()
}

fn patch(server: &Server, location: &str, offset: &str, body: &[u8]) -> Answer {
    server.tus("PATCH", location, &[("Upload-Offset", offset), OFFSET_STREAM], body)
}

fn content(server: &Server, location: &str) -> Vec<u8> {
    let id: UploadId = location.trim_start_matches("/files/").parse().unwrap();
    server.memory.look().uploads[&id].1.clone()
}

#[test]
fn an_append_moves_the_offset() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "5")]);
    let answer = patch(&server, &location, "0", b"abc");
    assert_eq!((answer.status, answer.header("upload-offset")), (204, Some("3")));
    assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
    let answer = patch(&server, &location, "3", b"de");
    assert_eq!((answer.status, answer.header("upload-offset")), (204, Some("5")));
    assert_eq!(content(&server, &location), b"abcde");
}

#[test]
fn append_at_wrong_offset_is_409_and_says_the_right_one() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "5")]);
    patch(&server, &location, "0", b"abc");
    let answer = patch(&server, &location, "2", b"xx");
    assert_eq!(answer.problem(409, "wrong_offset")["offset"], 3);
    assert_eq!(answer.header("upload-offset"), Some("3"));
    assert_eq!(content(&server, &location), b"abc");
}

#[test]
fn an_append_without_a_sound_offset_is_400() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "5")]);
    server.tus("PATCH", &location, &[OFFSET_STREAM], b"abc").problem(400, "bad_header");
    patch(&server, &location, "+0", b"abc").problem(400, "bad_header");
}

#[test]
fn an_append_of_another_type_is_415() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "5")]);
    let headers = [("Upload-Offset", "0"), ("Content-Type", "application/octet-stream")];
    server.tus("PATCH", &location, &headers, b"abc").problem(415, "unsupported_media_type");
    server.tus("PATCH", &location, &headers[..1], b"abc").problem(415, "unsupported_media_type");
}

#[test]
fn an_append_past_the_length_is_413() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "5")]);
    patch(&server, &location, "0", b"abcdef").problem(413, "past_the_end");
}

#[test]
fn a_deferred_length_is_declared_once() {
    let server = server();
    let location = begin(&server, &[("Upload-Defer-Length", "1")]);
    let declare = |length, offset, body| {
        let headers = [("Upload-Offset", offset), ("Upload-Length", length), OFFSET_STREAM];
        server.tus("PATCH", &location, &headers, body)
    };
    assert_eq!(declare("5", "0", b"abc").status, 204);
    assert_eq!(declare("6", "3", b"de").problem(400, "length_known")["length"], 5);
    assert_eq!(declare("5", "3", b"de").status, 204);
}

#[test]
fn an_upload_of_deferred_length_cannot_grow_past_the_limit() {
    let server = server();
    let location = begin(&server, &[("Upload-Defer-Length", "1")]);
    assert_eq!(patch(&server, &location, "0", &[7; 60_000]).status, 204);
    patch(&server, &location, "60000", &[7; 60_000]).problem(413, "too_large");
    let headers = [("Upload-Offset", "60000"), ("Upload-Length", "100001"), OFFSET_STREAM];
    server.tus("PATCH", &location, &headers, b"").problem(413, "too_large");

    let mut connection = server.connect();
    let head = [("Tus-Resumable", "1.0.0"), headers[0], OFFSET_STREAM, ("Transfer-Encoding", "chunked")];
    connection.send_head("PATCH", &location, &head);
    for _ in 0..5 {
        connection.send(b"2710\r\n");
        connection.send(&[7; 10_000]);
        connection.send(b"\r\n");
    }
    connection.send(b"0\r\n\r\n");
    connection.read("PATCH").problem(413, "too_large");
    assert!(content(&server, &location).len() <= 100_000);
}

#[test]
fn nothing_can_be_appended_to_a_complete_upload_but_nothing() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "3")]);
    patch(&server, &location, "0", b"abc");
    let answer = patch(&server, &location, "3", b"");
    assert_eq!((answer.status, answer.header("upload-offset")), (204, Some("3")));
    assert_eq!(patch(&server, &location, "3", b"d").problem(409, "complete")["offset"], 3);
    patch(&server, &location, "2", b"").problem(409, "complete");
}

#[test]
fn an_append_cut_short_keeps_the_bytes_that_came() {
    let server = server();
    for orderly in [true, false] {
        let location = begin(&server, &[("Upload-Length", "10")]);
        let id: UploadId = location.trim_start_matches("/files/").parse().unwrap();
        let mut connection = server.connect();
        let head =
            [("Tus-Resumable", "1.0.0"), ("Upload-Offset", "0"), OFFSET_STREAM, ("Content-Length", "10")];
        connection.send_head("PATCH", &location, &head);
        connection.send(b"abcd");
        drop(server.memory.until(|store| store.uploads[&id].0.offset == 4));
        match orderly {
            true => {
                connection.finish();
                connection.read("PATCH").problem(400, "body_cut_short");
            }
            false => connection.reset(),
        }
        let answer = server.tus("HEAD", &location, &[], b"");
        assert_eq!(answer.header("upload-offset"), Some("4"));
        assert_eq!(patch(&server, &location, "4", b"efghij").status, 204);
        assert_eq!(content(&server, &location), b"abcdefghij");
    }
}
