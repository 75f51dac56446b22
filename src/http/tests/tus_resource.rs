//! `OPTIONS`, `HEAD`, `DELETE`, `GET`, and what all tus resources have in common.

use crate::domain::UploadId;
use crate::http::testing::Server;
use crate::protocol::tus;
use crate::replica::Role;

fn server() -> Server {
    Server::start(Role::Frontend)
}

fn begin(server: &Server, headers: &[(&str, &str)]) -> String {
    server.tus("POST", "/files/", headers, b"").header("location").unwrap().to_owned()
}

#[test]
fn options_says_what_is_there() {
    let server = server();
    let id = format!("/files/{}", UploadId::mint());
    for target in ["/files/", "/files", &id] {
        let answer = server.request("OPTIONS", target, &[], b"");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
        assert_eq!(answer.header("tus-version"), Some("1.0.0"));
        assert_eq!(answer.header("tus-max-size"), Some("100000"));
        let extensions: Vec<_> = answer.header("tus-extension").unwrap().split(',').collect();
        assert_eq!(extensions, tus::EXTENSIONS);
    }
}

#[test]
fn another_version_of_tus_is_412_and_nothing_is_done() {
    let server = server();
    for headers in [&[("Upload-Length", "5")][..], &[("Upload-Length", "5"), ("Tus-Resumable", "0.2.2")]] {
        let answer = server.request("POST", "/files/", headers, b"");
        answer.problem(412, "unsupported_tus_version");
        assert_eq!(answer.header("tus-version"), Some("1.0.0"));
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
    }
    assert!(server.memory.look().uploads.is_empty());
}

#[test]
fn head_says_where_the_upload_stands_and_is_not_cached() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "5"), ("Upload-Metadata", "filename YQ==")]);
    let answer = server.tus("HEAD", &location, &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("upload-offset"), Some("0"));
    assert_eq!(answer.header("upload-length"), Some("5"));
    assert_eq!(answer.header("upload-defer-length"), None);
    assert_eq!(answer.header("upload-metadata"), Some("filename YQ=="));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn head_of_a_deferred_length_says_so() {
    let server = server();
    let location = begin(&server, &[("Upload-Defer-Length", "1")]);
    let answer = server.tus("HEAD", &location, &[], b"");
    assert_eq!((answer.header("upload-defer-length"), answer.header("upload-length")), (Some("1"), None));
    assert_eq!(answer.header("upload-metadata"), None);
}

#[test]
fn a_terminated_upload_is_gone_and_an_unknown_one_is_not_found() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "5")]);
    let answer = server.tus("DELETE", &location, &[], b"");
    assert_eq!((answer.status, answer.header("tus-resumable")), (204, Some("1.0.0")));
    server.tus("DELETE", &location, &[], b"").problem(410, "gone");
    let head = server.tus("HEAD", &location, &[], b"");
    assert_eq!((head.status, head.header("upload-offset")), (410, None));
    for unknown in [UploadId::mint().to_string(), "no-id".into(), "..%2f".into()] {
        server.tus("DELETE", &format!("/files/{unknown}"), &[], b"").problem(404, "not_found");
    }
}

#[test]
fn the_method_can_be_overridden() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "3")]);
    let headers = [
        ("X-HTTP-Method-Override", "PATCH"),
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    assert_eq!(server.tus("POST", &location, &headers, b"abc").status, 204);
    let head = server.tus("POST", &location, &[("X-HTTP-Method-Override", "HEAD")], b"");
    assert_eq!((head.status, head.header("upload-offset")), (200, Some("3")));
    server
        .tus("POST", &location, &[("X-HTTP-Method-Override", "FLY")], b"")
        .problem(405, "method_not_allowed");
}

#[test]
fn get_gives_the_content_to_those_who_do_not_speak_tus() {
    let server = server();
    let location = begin(&server, &[("Upload-Length", "3")]);
    server.get(&location, &[]).problem(409, "incomplete");
    let headers = [("Upload-Offset", "0"), ("Content-Type", "application/offset+octet-stream")];
    server.tus("PATCH", &location, &headers, b"abc");
    assert_eq!(server.get(&location, &[]).body, b"abc");
}

#[test]
fn another_method_is_405_and_allow_lists_those_there_are() {
    let server = server();
    let answer = server.tus("PUT", "/files/", &[], b"");
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("OPTIONS, POST"));
}
