use super::Service;
use crate::support::api::{Tus, content_path, number, put, record, text};
use crate::support::client::Answer;
use crate::support::content::Content;
use serde_json::Value;

fn names(list: &Value) -> Vec<&str> {
    list["uploads"].as_array().unwrap().iter().map(|upload| text(upload, "filename")).collect()
}

#[test]
fn the_list_goes_from_page_to_page_newest_first() {
    let service = Service::start();
    for number in 0..5 {
        put(service.url(), &format!("{number}.txt"), Content::new(number, 10));
    }
    let mut seen = Vec::new();
    let mut path = "/api/uploads?limit=2".to_owned();
    let pages = loop {
        let page = service.url().get(&path).send().expect(200).json();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/uploads?limit=2&cursor={cursor}"),
            None => break seen.len().div_ceil(2),
        }
        assert!(seen.len() < 10, "{seen:?}");
    };
    assert_eq!(seen, ["4.txt", "3.txt", "2.txt", "1.txt", "0.txt"]);
    assert_eq!(pages, 3);
}

#[test]
fn the_list_finds_by_name_and_leaves_out_what_is_incomplete() {
    let service = Service::start();
    put(service.url(), "Invoice-7.pdf", Content::new(1, 10));
    put(service.url(), "photo.jpg", Content::new(2, 10));
    Tus::create(service.url(), 100);
    let list = |query: &str| service.url().get(&format!("/api/uploads?{query}")).send().expect(200).json();
    assert_eq!(names(&list("q=invoice")), ["Invoice-7.pdf"]);
    assert_eq!(names(&list("")), ["photo.jpg", "Invoice-7.pdf"]);
    assert_eq!(names(&list("state=all")), ["test.bin", "photo.jpg", "Invoice-7.pdf"]);
}

#[test]
fn a_record_says_everything_about_its_upload() {
    let service = Service::start();
    let content = Content::new(1, 100_000);
    let id = text(&put(service.url(), "data.bin", content), "id").to_owned();
    let record = record(service.url(), &id);
    assert_eq!((text(&record, "filename"), text(&record, "state")), ("data.bin", "complete"));
    assert_eq!((number(&record, "size_bytes"), number(&record, "received_bytes")), (100_000, 100_000));
    assert_eq!(text(&record, "sha256"), content.sha256());
    for field in ["created_at", "completed_at", "url", "id"] {
        assert!(!text(&record, field).is_empty(), "{record}");
    }
    assert!(record["expires_at"].is_null(), "a complete upload does not expire: {record}");
}

#[test]
fn a_deleted_upload_is_410_in_every_way() {
    let service = Service::start();
    let id = text(&put(service.url(), "a", Content::new(1, 10)), "id").to_owned();
    let path = format!("/api/uploads/{id}");
    service.url().request("DELETE", &path).send().expect(204);
    service.url().request("DELETE", &path).send().expect(410);
    for path in [path, content_path(&id), format!("/files/{id}")] {
        assert_problem(service.url().get(&path).header("Tus-Resumable", "1.0.0").send(), 410);
    }
    assert!(names(&service.url().get("/api/uploads?state=all").send().json()).is_empty());
}

#[test]
fn an_incomplete_upload_has_no_content_yet() {
    let service = Service::start();
    let upload = Tus::create(service.url(), 100);
    assert_problem(service.url().get(&content_path(upload.id())).send(), 409);
}

#[test]
fn every_error_is_a_problem_with_a_code() {
    let service = Service::start();
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    let get = |path: &str| service.url().get(path).send();
    assert_problem(get(&format!("/api/uploads/{unknown}")), 404);
    assert_problem(get(&content_path(unknown)), 404);
    assert_problem(get("/no/such/page"), 404);
    assert_problem(get("/api/uploads?limit=many"), 400);
    let put = service.url().request("PUT", "/api/uploads/a").header("Content-Range", "bytes 0-2/10");
    assert_problem(put.send_body(b"abc"), 400);
}

fn assert_problem(answer: Answer, status: u16) {
    let answer = answer.expect(status);
    assert!(answer.field("Content-Type").starts_with("application/problem+json"), "{:?}", answer.head);
    let problem = answer.json();
    assert_eq!(number(&problem, "status"), u64::from(status));
    assert!(!text(&problem, "code").is_empty(), "{problem}");
}

#[test]
fn every_answer_names_its_request_and_who_took_part() {
    let service = Service::start();
    let answer = service.url().get("/api/uploads").header("X-Request-Id", "my-request-1").send().expect(200);
    assert_eq!(answer.field("X-Request-Id"), "my-request-1");
    for name in ["X-Frontend-Container", "X-Backend-Container"] {
        let id = answer.field(name);
        assert!(id.len() == 12 && id.bytes().all(|c| c.is_ascii_hexdigit()), "{name}: {id}");
    }
    let hostile = service.url().get("/healthz").header("X-Request-Id", "x".repeat(5000)).send().expect(200);
    assert!(hostile.field("X-Request-Id").len() < 200);
}

#[test]
fn probes_and_version_answer() {
    let service = Service::start();
    for path in ["/healthz", "/startupz", "/readyz", "/metrics", "/version"] {
        service.url().get(path).send().expect(200);
    }
    let version = service.url().get("/version").send().json();
    assert_eq!(
        (text(&version, "name"), text(&version, "version")),
        ("swarm-upload", env!("CARGO_PKG_VERSION"))
    );
}
