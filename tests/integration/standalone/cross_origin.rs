//! A tus client in a browser, on a page of another site: what the browser asks, and what it then lets the page do.

use super::Service;
use crate::support::api::{Tus, assert_stored, tus};
use crate::support::client::{Answer, Url};
use crate::support::content::Content;

const PAGE: &str = "https://app.example";

/// Asks first, as a browser does before it sends what a plain form could not.
fn preflight(at: &Url, path: &str, method: &str, headers: &str) -> Answer {
    let request = at.request("OPTIONS", path).header("Origin", PAGE);
    let request = request.header("Access-Control-Request-Method", method);
    request.header("Access-Control-Request-Headers", headers).send()
}

/// What the page may read of the answer, if it may read it at all.
#[track_caller]
fn read<'a>(answer: &'a Answer, name: &str) -> &'a str {
    assert_eq!(answer.field("Access-Control-Allow-Origin"), PAGE);
    let exposed = answer.field("Access-Control-Expose-Headers").to_ascii_lowercase();
    assert!(exposed.split(", ").any(|exposed| exposed == name.to_ascii_lowercase()), "{name}: {exposed}");
    answer.field(name)
}

#[test]
fn a_page_of_an_allowed_origin_uploads_by_tus() {
    let service = Service::start_with(&["--cors-origin", "https://other.example,https://app.example"]);
    let (at, content) = (service.url(), Content::new(1, 100_000));
    let asked = preflight(at, "/files/", "POST", "tus-resumable,upload-length,upload-metadata").expect(200);
    assert_eq!(asked.field("Access-Control-Allow-Origin"), PAGE);
    let request = tus(at, "POST", "/files/").header("Origin", PAGE).header("Upload-Length", content.length);
    let created = request.send_body(b"").expect(201);
    let upload = Tus { path: read(&created, "Location").to_owned() };

    for method in ["HEAD", "PATCH", "DELETE"] {
        let asked =
            preflight(at, &upload.path, method, "content-type,tus-resumable,upload-offset").expect(200);
        assert!(asked.field("Access-Control-Allow-Methods").split(", ").any(|allowed| allowed == method));
    }
    let request = tus(at, "PATCH", &upload.path).header("Origin", PAGE).header("Upload-Offset", 0);
    let request = request.header("Content-Type", "application/offset+octet-stream");
    assert_eq!(read(&request.send_body(&content.all()).expect(204), "Upload-Offset"), "100000");
    let head = tus(at, "HEAD", &upload.path).header("Origin", PAGE).send().expect(200);
    assert_eq!(read(&head, "Upload-Length"), "100000");
    assert_stored(at, upload.id(), content);

    let refused = tus(at, "HEAD", "/files/x").header("Origin", PAGE).send().expect(404);
    assert!(!read(&refused, "X-Request-Id").is_empty());
}

#[test]
fn a_page_of_any_other_origin_may_do_nothing() {
    for options in [&[][..], &["--cors-origin", "https://other.example"]] {
        let service = Service::start_with(options);
        let asked = preflight(service.url(), "/api/uploads/a.txt", "PUT", "content-type");
        assert!([403, 405].contains(&asked.status), "{:?}", asked.head);
        let list = service.url().get("/api/uploads").header("Origin", PAGE).send().expect(200);
        for answer in [asked, list] {
            assert_eq!(answer.head.field("Access-Control-Allow-Origin"), None, "{:?}", answer.head);
        }
    }
}
