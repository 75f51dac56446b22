//! What is refused to a browser is said on the page; programs get the problem.

use super::attributes;
use crate::standalone::Service;
use crate::support::api::{put, record, text};
use crate::support::client::{Answer, Request, Url};
use crate::support::content::Content;
use crate::support::external::curl;
use crate::support::multipart::form;
use crate::support::process::Process;

/// As Firefox and Chromium say it of what is to be shown in a window.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
const MIB: u64 = 1 << 20;

fn browser(at: &Url, method: &str, path: &str) -> Request {
    at.request(method, path).header("Accept", ACCEPT)
}

/// The page says the problem in an alert.
#[track_caller]
fn assert_page(answer: &Answer, code: &str) {
    assert!(answer.field("Content-Type").starts_with("text/html"), "{:?}", answer.head);
    assert!(answer.field("Content-Security-Policy").contains("default-src 'self'"));
    assert_eq!(answer.field("Cache-Control"), "no-store");
    let (_, alert) =
        answer.text().split_once("role=\"alert\"").unwrap_or_else(|| panic!("{}", answer.text()));
    let (alert, _) = alert.split_once("</section>").unwrap();
    for said in [code, answer.field("X-Request-Id")] {
        assert!(alert.contains(said), "{said} in {alert}");
    }
}

#[test]
fn a_file_that_is_too_large_is_named_on_the_page_above_those_that_came() {
    let service = Service::start_with(&["--max-upload-size", "1MiB"]);
    let too_large = vec![7; MIB as usize + 1];
    let (content_type, body) = form(&[("good.txt", b"abc"), ("<b>.txt", &too_large)]);
    let send = |request: Request| request.header("Content-Type", &content_type).send_body(&body).expect(413);

    let page = send(browser(service.url(), "POST", "/"));
    assert_page(&page, "too_large");
    assert!(page.text().contains("&lt;b&gt;.txt") && !page.text().contains("<b>.txt"), "{}", page.text());
    assert!(page.text().contains(">good.txt<"), "{}", page.text());
    for accept in [None, Some("*/*"), Some("application/json"), Some("text/html;q=0")] {
        let request = service.url().request("POST", "/");
        let request = accept.into_iter().fold(request, |request, accept| request.header("Accept", accept));
        assert_eq!(send(request).json()["code"], "too_large", "{accept:?}");
    }
    // The API is for programs, whatever they accept.
    assert_eq!(send(browser(service.url(), "POST", "/api/uploads")).json()["code"], "too_large");
}

#[test]
fn a_browser_that_goes_on_sending_sees_the_page() {
    let service = Service::start_with(&["--max-upload-size", "1MiB"]);
    let file = service.folder.path().join("big.bin");
    // Far more than sockets on both sides hold.
    Content::new(1, 64 * MIB).write_to(&file);
    let (form, accept) = (format!("file=@{}", file.display()), format!("Accept: {ACCEPT}"));
    let url = service.url().at("/");
    let seen = curl(["-H", "Expect:", "-H", &accept, "-F", &form, "--write-out", "\n%{http_code}", &url]);
    let (page, status) = seen.rsplit_once('\n').unwrap();
    assert!(status == "413" && page.contains("role=\"alert\""), "{seen}");
}

#[test]
fn every_refusal_of_the_page_is_a_page() {
    let service = Service::start();
    let file = put(service.url(), "mine.txt", Content::new(1, 10));
    let delete = format!("/uploads/{}/delete", text(&file, "id"));
    for (method, path, header, status, code) in [
        ("GET", "/?sort=colour", ("X", "y"), 400, "bad_query"),
        ("GET", "/?cursor=x", ("X", "y"), 400, "bad_query"),
        ("POST", "/", ("Content-Type", "text/plain"), 415, "unsupported_media_type"),
        ("POST", "/", ("Content-Type", "multipart/form-data; boundary=x"), 400, "body_cut_short"),
        ("POST", "/", ("Sec-Fetch-Site", "cross-site"), 403, "cross_site"),
        ("POST", &delete, ("Sec-Fetch-Site", "cross-site"), 403, "cross_site"),
        ("POST", "/uploads/no-id/delete", ("X", "y"), 404, "not_found"),
    ] {
        let ask = |request: Request| request.header(header.0, header.1).send().expect(status);
        let page = ask(browser(service.url(), method, path));
        assert_page(&page, code);
        assert!(attributes(&page, "action").contains(&delete), "{}", page.text());
        let problem = ask(service.url().request(method, path));
        assert_eq!(problem.json()["code"], code, "{path}");
    }
    let head = browser(service.url(), "HEAD", "/?sort=colour").send().expect(400);
    assert!(head.body.is_empty());
    assert_eq!(text(&record(service.url(), text(&file, "id")), "state"), "complete");
}

#[test]
fn without_a_backend_the_page_says_so() {
    let frontend = Process::start("frontend", ["--role", "frontend", "--backend", "http://127.0.0.1:1"]);
    let page = browser(&frontend.url, "GET", "/").send().expect(503);
    assert_page(&page, "unavailable");
    let seconds: u64 = page.field("Retry-After").parse().unwrap();
    assert!(seconds > 0);
    assert!(page.text().contains("type=\"file\""), "{}", page.text());
    let problem = frontend.url.get("/").send().expect(503);
    assert_eq!(problem.json()["code"], "unavailable");
    assert!(problem.head.field("Retry-After").is_some());
}
