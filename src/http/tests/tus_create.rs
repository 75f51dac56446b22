use crate::http::testing::Server;
use crate::replica::Role;

const OFFSET_STREAM: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

fn server() -> Server {
    Server::start(Role::Frontend)
}

#[test]
fn a_creation_answers_with_a_location_that_is_a_path() {
    let server = server();
    let metadata = "filename YS5wbmc=,filetype aW1hZ2UvcG5n";
    for target in ["/files/", "/files"] {
        let headers = [("Upload-Length", "5"), ("Upload-Metadata", metadata)];
        let answer = server.tus("POST", target, &headers, b"");
        assert_eq!(answer.status, 201, "{}", answer.text());
        let location = answer.header("location").unwrap();
        let id = location.strip_prefix("/files/").unwrap().parse().unwrap();
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
        assert_eq!(answer.header("upload-offset"), Some("0"));
        let store = server.memory.look();
        let (upload, _) = &store.uploads[&id];
        assert_eq!(upload.filename.as_str(), "a.png");
        assert_eq!(upload.content_type.as_deref(), Some("image/png"));
        assert_eq!((upload.length, upload.metadata.as_str()), (Some(5), metadata));
    }
}

#[test]
fn an_upload_of_no_bytes_is_complete_at_once() {
    let server = server();
    let answer = server.tus("POST", "/files/", &[("Upload-Length", "0")], b"");
    assert_eq!(answer.status, 201);
    assert!(server.memory.look().uploads.values().all(|(upload, _)| upload.completed_at.is_some()));
}

#[test]
fn bytes_may_come_with_the_creation() {
    let server = server();
    let answer = server.tus("POST", "/files/", &[("Upload-Length", "5"), OFFSET_STREAM], b"abc");
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("upload-offset"), Some("3"));
}

#[test]
fn bytes_of_another_type_with_the_creation_are_415() {
    let server = server();
    let answer =
        server.tus("POST", "/files/", &[("Upload-Length", "5"), ("Content-Type", "text/plain")], b"abc");
    answer.problem(415, "unsupported_media_type");
    assert!(server.memory.look().uploads.is_empty());
}

#[test]
fn a_length_is_given_or_deferred_and_never_both_or_neither() {
    let server = server();
    let answer = server.tus("POST", "/files/", &[("Upload-Defer-Length", "1")], b"");
    assert_eq!(answer.status, 201);
    for headers in [
        &[][..],
        &[("Upload-Length", "5"), ("Upload-Defer-Length", "1")],
        &[("Upload-Defer-Length", "2")],
        &[("Upload-Length", "-5")],
        &[("Upload-Length", "5"), ("Upload-Length", "6")],
    ] {
        server.tus("POST", "/files/", headers, b"").problem(400, "bad_header");
    }
}

#[test]
fn malformed_metadata_is_400() {
    let server = server();
    let headers = [("Upload-Length", "5"), ("Upload-Metadata", "filename %%%")];
    server.tus("POST", "/files/", &headers, b"").problem(400, "bad_header");
}

#[test]
fn a_length_past_the_limit_is_413_and_says_the_limit() {
    let server = server();
    let problem =
        server.tus("POST", "/files/", &[("Upload-Length", "100001")], b"").problem(413, "too_large");
    assert_eq!(problem["limit"], 100_000);
}

#[test]
fn more_bytes_than_the_declared_length_are_413() {
    let server = server();
    let answer = server.tus("POST", "/files/", &[("Upload-Length", "2"), OFFSET_STREAM], b"abc");
    assert_eq!(answer.problem(413, "past_the_end")["length"], 2);
    assert!(server.memory.look().uploads.is_empty());
}

#[test]
fn a_creation_cut_short_keeps_the_bytes_that_came() {
    let server = server();
    let mut connection = server.connect();
    let headers =
        [("Tus-Resumable", "1.0.0"), ("Upload-Length", "10"), ("Content-Length", "10"), OFFSET_STREAM];
    connection.send_head("POST", "/files/", &headers);
    connection.send(b"abcd");
    drop(server.memory.until(|store| store.uploads.values().any(|(upload, _)| upload.offset == 4)));
    connection.reset();
    let id = *server.memory.look().uploads.keys().next().unwrap();
    let answer = server.tus("HEAD", &format!("/files/{id}"), &[], b"");
    assert_eq!((answer.header("upload-offset"), answer.header("upload-length")), (Some("4"), Some("10")));
}
