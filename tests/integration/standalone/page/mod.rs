//! The web page as a browser without JavaScript uses it.

mod assets;
mod language;
mod refusal;

use super::Service;
use crate::support::api::{put, record, text};
use crate::support::client::Answer;
use crate::support::content::Content;

/// What stands in the page's attributes of this name, as a browser reads it.
fn attributes(page: &Answer, name: &str) -> Vec<String> {
    let begin = format!("{name}=\"");
    page.text().split(&begin).skip(1).map(|rest| read(rest.split_once('"').unwrap().0)).collect()
}

/// Text without HTML's entities.
fn read(text: &str) -> String {
    [("&#x2f;", "/"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[test]
fn the_page_has_a_form_and_takes_nothing_from_elsewhere() {
    let service = Service::start();
    let page = service.url().get("/").send().expect(200);
    assert!(page.field("Content-Type").starts_with("text/html"));
    assert_eq!(page.field("Cache-Control"), "no-store");
    let policy = page.field("Content-Security-Policy");
    for part in [
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|stated| stated == part), "{part} in {policy}");
    }
    let html = page.text();
    assert!(html.contains("multipart/form-data") && html.contains("type=\"file\""), "{html}");
    for target in [attributes(&page, "src"), attributes(&page, "href")].concat() {
        assert!(
            target.starts_with('#') || (target.starts_with('/') && !target.starts_with("//")),
            "{target}"
        );
    }
}

#[test]
fn everything_that_the_page_leads_to_is_there() {
    let service = Service::start();
    put(service.url(), "a.txt", Content::new(1, 10));
    let page = service.url().get("/").send().expect(200);
    let targets = [attributes(&page, "src"), attributes(&page, "href")].concat();
    assert!(targets.iter().any(|target| target.ends_with("/content")), "{targets:?}");
    for target in targets.iter().filter(|target| !target.starts_with('#')) {
        let answer = service.url().get(target).send();
        assert!(matches!(answer.status, 200 | 303), "{target}: {}", answer.status);
    }
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
    for raw in ["<script>", "<b>", "<i>"] {
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
fn a_list_is_sorted_as_asked_and_stays_so_on_its_next_page() {
    let service = Service::start();
    for number in 0..51 {
        put(service.url(), &format!("{:02}.txt", (number * 20) % 51), Content::new(number, 10));
    }
    let first = service.url().get("/?sort=name").send().expect(200);
    let names = |page: &Answer| -> Vec<String> {
        let words = page.text().split(['<', '>']);
        words.filter(|word| word.len() == 6 && word.ends_with(".txt")).map(str::to_owned).collect()
    };
    let all: Vec<String> = (0..51).map(|number| format!("{number:02}.txt")).collect();
    assert_eq!(names(&first), all[..50]);
    let links = attributes(&first, "href");
    let next = links.iter().find(|link| link.contains("cursor=")).unwrap();
    let last = service.url().get(next).send().expect(200);
    assert_eq!(names(&last), all[50..]);
    assert!(!last.text().contains("cursor="), "{}", last.text());
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
