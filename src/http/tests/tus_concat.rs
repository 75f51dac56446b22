use crate::domain::UploadId;
use crate::http::testing::{Answer, Server};
use crate::replica::Role;

const OFFSET_STREAM: (&str, &str) = ("Content-Type", "application/offset+octet-stream");
const PARTIAL: (&str, &str) = ("Upload-Concat", "partial");

fn server() -> Server {
    Server::start(Role::Frontend)
}

fn part(server: &Server, bytes: &[u8], length: &str) -> String {
    let headers = [PARTIAL, ("Upload-Length", length), OFFSET_STREAM];
    let answer = server.tus("POST", "/files/", &headers, bytes);
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

fn create_final(server: &Server, parts: &str, headers: &[(&str, &str)]) -> Answer {
    let concat = format!("final;{parts}");
    let headers = [&[("Upload-Concat", concat.as_str())], headers].concat();
    server.tus("POST", "/files/", &headers, b"")
}

#[test]
fn a_final_upload_is_answered_with_its_location_and_what_it_is_made_of() {
    let server = server();
    let (a, b) = (part(&server, b"abc", "3"), part(&server, b"de", "2"));
    let parts = format!("{a} http://example.org{b}");
    let created = create_final(&server, &parts, &[("Upload-Metadata", "filename YQ==")]);
    assert_eq!((created.status, created.header("upload-offset")), (201, Some("5")));
    let concat = format!("final;{parts}");
    assert_eq!(created.header("upload-concat"), Some(concat.as_str()));
    let location = created.header("location").unwrap();
    let head = server.tus("HEAD", location, &[], b"");
    assert_eq!(head.header("upload-concat"), Some(concat.as_str()));
    assert_eq!((head.header("upload-offset"), head.header("upload-length")), (Some("5"), Some("5")));
    let content = server.get(location, &[]);
    assert_eq!((content.body.as_slice(), content.header("repr-digest")), (b"abcde".as_slice(), None));
}

#[test]
fn a_final_upload_that_waits_for_its_parts_says_no_offset() {
    let server = server();
    let (a, b) = (part(&server, b"abc", "3"), part(&server, b"d", "2"));
    let created = create_final(&server, &format!("{a} {b}"), &[]);
    assert_eq!((created.status, created.header("upload-offset")), (201, None));
    let location = created.header("location").unwrap();
    assert_eq!(server.tus("HEAD", location, &[], b"").header("upload-offset"), None);
    server.get(location, &[]).problem(409, "incomplete");
    let head = server.tus("HEAD", &b, &[], b"");
    assert_eq!((head.header("upload-offset"), head.header("upload-concat")), (Some("1"), Some("partial")));
}

#[test]
fn a_final_upload_declares_no_length_and_brings_no_bytes() {
    let server = server();
    let a = part(&server, b"abc", "3");
    for header in [("Upload-Length", "3"), ("Upload-Defer-Length", "1")] {
        let problem = create_final(&server, &a, &[header]).problem(400, "bad_header");
        assert!(problem["detail"].as_str().unwrap().contains(header.0), "{problem}");
    }
    let concat = format!("final;{a}");
    let headers = [("Upload-Concat", concat.as_str()), OFFSET_STREAM];
    server.tus("POST", "/files/", &headers, b"abc").problem(400, "bad_body");
    assert_eq!(server.memory.look().uploads.len(), 1);
}

#[test]
fn a_part_declares_its_length_or_defers_it_as_every_upload_does() {
    let server = server();
    server.tus("POST", "/files/", &[PARTIAL], b"").problem(400, "bad_header");
    let deferred = server.tus("POST", "/files/", &[PARTIAL, ("Upload-Defer-Length", "1")], b"");
    assert_eq!((deferred.status, deferred.header("upload-concat")), (201, Some("partial")));
}

#[test]
fn what_cannot_be_a_part_is_named_in_the_problem() {
    let server = server();
    let a = part(&server, b"abc", "3");
    let ordinary = server.tus("POST", "/files/", &[("Upload-Length", "0")], b"");
    let ordinary = ordinary.header("location").unwrap().to_owned();
    let unknown = format!("/files/{}", UploadId::mint());
    for (bad, code) in [(ordinary, "not_a_part"), (unknown, "part_missing")] {
        let problem = create_final(&server, &format!("{a} {bad}"), &[]).problem(400, code);
        assert_eq!(problem["part"], bad.trim_start_matches("/files/"));
        assert!(problem["detail"].as_str().unwrap().contains(bad.trim_start_matches("/files/")));
    }
    for bad in ["", "/files/", "/files/x", "nonsense"] {
        create_final(&server, bad, &[]).problem(400, "bad_header");
    }
}

/// Wherever it stands, and whatever the offset.
#[test]
fn nothing_is_appended_to_a_final_upload() {
    for role in [Role::Frontend, Role::Backend] {
        let server = Server::start(role);
        let (a, b) = (part(&server, b"abc", "3"), part(&server, b"d", "2"));
        for parts in [a.clone(), format!("{a} {b}")] {
            let created = create_final(&server, &parts, &[]);
            let location = created.header("location").unwrap();
            for (offset, body) in [("0", b"x".as_slice()), ("3", b""), ("7", b"x")] {
                let headers = [("Upload-Offset", offset), OFFSET_STREAM];
                server.tus("PATCH", location, &headers, body).problem(403, "final_upload");
            }
        }
    }
}

#[test]
fn parts_are_listed_only_when_asked_for() {
    let server = server();
    let a = part(&server, b"abc", "3");
    let created = create_final(&server, &a, &[]);
    let joined = created.header("location").unwrap().trim_start_matches("/files/").to_owned();
    let listed = server.get("/api/uploads", &[]).json();
    let uploads = listed["uploads"].as_array().unwrap();
    assert_eq!((uploads.len(), &uploads[0]["id"]), (1, &joined.into()));
    assert_eq!((uploads[0].get("concat"), &uploads[0]["sha256"]), (None, &serde_json::Value::Null));
    let all = server.get("/api/uploads?state=all", &[]).json();
    assert!(all["uploads"].as_array().unwrap().iter().any(|upload| upload["concat"] == "partial"));
}
