//! Lists, single records and deletion.

use crate::domain::UploadId;
use crate::http::testing::Server;
use crate::replica::Role;
use serde_json::Value;

fn server() -> Server {
    let server = Server::start(Role::Frontend);
    for (name, size) in [("b", 1), ("c", 3), ("a", 2)] {
        server.store(name, &vec![7; size]);
    }
    server.tus("POST", "/files/", &[("Upload-Length", "5"), ("Upload-Metadata", "filename ZA==")], b"");
    server
}

fn names(page: &Value) -> String {
    page["uploads"].as_array().unwrap().iter().map(|record| record["filename"].as_str().unwrap()).collect()
}

#[test]
fn a_list_shows_complete_uploads_newest_first_unless_asked_otherwise() {
    let server = server();
    for (query, expected) in [
        ("", "acb"),
        ("?sort=created", "bca"),
        ("?sort=name", "abc"),
        ("?sort=-size", "cab"),
        ("?q=c", "c"),
        ("?state=all", "dacb"),
    ] {
        let answer = server.get(&format!("/api/uploads{query}"), &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(names(&answer.json()), expected, "{query}");
        assert!(answer.json()["uploads"][0].get("segments").is_none());
    }
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let server = server();
    let mut cursor = String::new();
    let mut seen = String::new();
    for _ in 0..3 {
        let page = server.get(&format!("/api/uploads?limit=1&sort=name&cursor={cursor}"), &[]).json();
        seen += &names(&page);
        cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((seen.as_str(), cursor.as_str()), ("abc", ""));
}

#[test]
fn a_bad_query_is_400_and_named() {
    let server = server();
    let problem = server.get("/api/uploads?limit=0", &[]).problem(400, "bad_query");
    assert!(problem["detail"].as_str().unwrap().starts_with("limit"));
}

#[test]
fn a_record_shows_its_segments_and_no_epoch_leaves_the_edge() {
    let server = server();
    let id = server.get("/api/uploads?q=a", &[]).json()["uploads"][0]["id"].as_str().unwrap().to_owned();
    let answer = server.get(&format!("/api/uploads/{id}"), &[]);
    assert_eq!(answer.json()["filename"], "a");
    assert!(answer.json()["segments"].is_array());
    assert_eq!(answer.header("x-upload-epoch"), None);
    server.get(&format!("/api/uploads/{}", UploadId::mint()), &[]).problem(404, "not_found");
}

#[test]
fn a_deleted_upload_is_gone() {
    let server = server();
    let id = server.get("/api/uploads?q=a", &[]).json()["uploads"][0]["id"].as_str().unwrap().to_owned();
    let target = format!("/api/uploads/{id}");
    assert_eq!(server.request("DELETE", &target, &[], b"").status, 204);
    server.request("DELETE", &target, &[], b"").problem(410, "gone");
    server.get(&target, &[]).problem(410, "gone");
    server.get(&format!("{target}/content"), &[]).problem(410, "gone");
}
