//! The web page as a browser without JavaScript uses it.

use super::Service;
use crate::support::api::{put, record, text};
use crate::support::content::Content;

#[test]
fn the_page_has_a_form_and_runs_nothing_from_elsewhere() {
    let service = Service::start();
    let page = service.url().get("/").send().expect(200);
    assert!(page.field("Content-Type").starts_with("text/html"));
    assert!(page.field("Content-Security-Policy").contains("default-src 'self'"));
    let html = page.text();
    assert!(html.contains("multipart/form-data") && html.contains("type=\"file\""), "{html}");
    let style = service.url().get("/ui/style.css").send().expect(200);
    assert!(style.field("Content-Type").starts_with("text/css"));
    service.url().get("/ui/no-such.css").send().expect(404);
    service.url().get("/ui/index.html").send().expect(404);
}

#[test]
fn a_hostile_name_is_text_on_the_page() {
    let service = Service::start();
    put(service.url(), "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22.txt", Content::new(1, 10));
    put(service.url(), "%3Cb%3E%22%27.txt", Content::new(1, 10));
    let page = service.url().get("/?q=%3Ci%3E%22").send().expect(200);
    assert!(page.text().contains("&lt;i&gt;&quot;"), "{}", page.text());
    let page = service.url().get("/").send().expect(200);
    assert!(page.text().contains("&lt;b&gt;&quot;"), "{}", page.text());
    for raw in ["<script", "<b>", "<i>"] {
        assert!(!page.text().contains(raw), "{raw} in {}", page.text());
    }
}

#[test]
fn the_list_finds_and_deletes_by_forms_alone() {
    let service = Service::start();
    let kept = put(service.url(), "kept.txt", Content::new(1, 10));
    let deleted = put(service.url(), "deleted.txt", Content::new(2, 10));
    let id = text(&deleted, "id");
    let found = service.url().get("/?q=DELETED").send().expect(200);
    let button = format!("/uploads/{id}/delete");
    assert!(found.text().contains(&button) && !found.text().contains("kept.txt"), "{}", found.text());
    for _again in 0..2 {
        let answer = service.url().request("POST", &button).send().expect(303);
        assert_eq!(answer.field("Location"), "/");
    }
    service.url().get(&format!("/api/uploads/{id}")).send().expect(410);
    assert_eq!(text(&record(service.url(), text(&kept, "id")), "state"), "complete");
}

#[test]
fn a_form_on_another_site_can_do_nothing_here() {
    let service = Service::start();
    let file = put(service.url(), "mine.txt", Content::new(1, 10));
    let button = format!("/uploads/{}/delete", text(&file, "id"));
    // Over plain HTTP a browser says only where the form's page is from.
    for (name, value) in
        [("Sec-Fetch-Site", "cross-site"), ("Origin", "http://evil.example"), ("Origin", "null")]
    {
        for path in [button.as_str(), "/", "/api/uploads"] {
            let request = service.url().request("POST", path).header(name, value);
            let answer = request.header("Content-Type", "multipart/form-data; boundary=x").send().expect(403);
            assert_eq!(answer.json()["code"], "cross_site", "{name} {path}");
        }
    }
    assert_eq!(text(&record(service.url(), text(&file, "id")), "state"), "complete");
}
