//! What a backend and a frontend's relay say to each other.

use crate::domain::UploadId;
use crate::http::testing::{Server, frontend_id};
use crate::replica::Role;

const OFFSET_STREAM: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

fn server() -> Server {
    Server::start(Role::Backend)
}

#[test]
fn a_relay_gives_the_id_and_is_given_the_record() {
    let server = server();
    let (id, relay) = (UploadId::mint().to_string(), frontend_id());
    let headers = [
        ("X-Upload-Id", id.as_str()),
        ("X-Frontend-Container", relay.as_str()),
        ("Upload-Length", "3"),
        OFFSET_STREAM,
    ];
    let answer = server.tus("POST", "/files/", &headers, b"ab");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("location"), Some(format!("/files/{id}").as_str()));
    assert_eq!(answer.header("x-upload-epoch"), Some("1"));
    assert_eq!((&answer.json()["id"], &answer.json()["received_bytes"]), (&id.as_str().into(), &2.into()));

    let headers = [headers[1], ("Upload-Offset", "2"), ("X-Upload-Epoch", "1"), OFFSET_STREAM];
    let answer = server.tus("PATCH", &format!("/files/{id}"), &headers, b"c");
    assert_eq!((answer.status, answer.header("x-upload-epoch")), (200, Some("1")));
    assert_eq!(answer.json()["state"], "complete");
}

#[test]
fn a_client_that_talks_to_a_backend_directly_has_an_epoch_taken_for_it() {
    let server = server();
    let created = server.tus("POST", "/files/", &[("Upload-Length", "3")], b"");
    let location = created.header("location").unwrap();
    let answer = server.tus("PATCH", location, &[("Upload-Offset", "0"), OFFSET_STREAM], b"ab");
    assert_eq!((answer.status, answer.header("x-upload-epoch")), (204, Some("2")));
    assert_eq!(server.tus("HEAD", location, &[], b"").header("x-upload-epoch"), Some("2"));
}

#[test]
fn a_relay_of_an_earlier_epoch_is_told_that_it_was_superseded() {
    let server = server();
    let created = server.tus("POST", "/files/", &[("Upload-Length", "3")], b"");
    let location = created.header("location").unwrap();
    server.tus("PATCH", location, &[("Upload-Offset", "0"), OFFSET_STREAM], b"a");
    let headers = [("Upload-Offset", "1"), ("X-Upload-Epoch", "1"), OFFSET_STREAM];
    let answer = server.tus("PATCH", location, &headers, b"b");
    assert_eq!(answer.problem(409, "superseded")["offset"], 1);
    assert_eq!(answer.header("x-upload-epoch"), Some("2"));
}

#[test]
fn malformed_headers_of_a_relay_are_400() {
    let server = server();
    let bad = ("X-Upload-Id", "1");
    server.tus("POST", "/files/", &[("Upload-Length", "3"), bad], b"").problem(400, "bad_header");
}

#[test]
fn headers_of_relays_from_the_edge_are_ignored() {
    let server = Server::start(Role::Frontend);
    let (id, relay) = (UploadId::mint().to_string(), frontend_id());
    let headers = [
        ("X-Upload-Id", id.as_str()),
        ("X-Frontend-Container", relay.as_str()),
        ("Upload-Length", "3"),
        ("X-Upload-Epoch", "nonsense"),
    ];
    let answer = server.tus("POST", "/files/", &headers, b"");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(!answer.header("location").unwrap().contains(&id));
    assert_eq!(answer.header("x-upload-epoch"), None);
    assert!(answer.body.is_empty());
}
