//! The files that the page is made of.

use super::attributes;
use crate::standalone::Service;
use crate::support::client::{Answer, Url};
use crate::support::wait::until;
use std::fs;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const OTHER_VERSION: &str = "/ui/0123456789ab";

/// Where the page finds its files, as its link to the style says it.
fn assets(at: &Url) -> String {
    let page = at.get("/").send().expect(200);
    let links = attributes(&page, "href");
    links.iter().find_map(|link| link.strip_suffix("/style.css")).unwrap().to_owned()
}

fn assert_kept(answer: &Answer, kind: &str, kept: &str) {
    assert_eq!(answer.field("Content-Type").split(';').next(), Some(kind));
    assert_eq!(answer.field("Cache-Control"), kept);
    assert_eq!(answer.field("X-Content-Type-Options"), "nosniff");
    assert!(!answer.body.is_empty());
}

#[test]
fn files_of_the_page_are_kept_for_ever_under_their_version() {
    let service = Service::start();
    let assets = assets(service.url());
    let version = assets.strip_prefix("/ui/").unwrap();
    assert!(version.len() == 12 && version.bytes().all(|digit| digit.is_ascii_hexdigit()), "{version}");
    for (name, kind) in [
        ("style.css", "text/css"),
        ("boot.js", "text/javascript"),
        ("strings/en.json", "application/json"),
        ("strings/pt-BR.json", "application/json"),
    ] {
        let answer = service.url().get(&format!("{assets}/{name}")).send().expect(200);
        assert_kept(&answer, kind, FOR_EVER);
        let head = service.url().request("HEAD", &format!("{assets}/{name}")).send().expect(200);
        assert_eq!(head.field("Content-Length"), answer.body.len().to_string());
    }
}

#[test]
fn a_file_of_another_version_is_missing_and_nobody_keeps_that() {
    let service = Service::start();
    let own = assets(service.url());
    for path in [
        format!("{OTHER_VERSION}/boot.js"),
        format!("{OTHER_VERSION}/strings/en.json"),
        format!("{OTHER_VERSION}/no-such.css"),
        format!("{own}/no-such.js"),
        // Templates are no files of the page.
        format!("{own}/index.html"),
        format!("{own}/"),
        "/ui/index.html".to_owned(),
        "/ui/dev/style.js".to_owned(),
        "/ui/style.css".to_owned(),
        "/ui/".to_owned(),
    ] {
        let answer = service.url().get(&path).send().expect(404);
        assert_eq!(answer.json()["code"], "not_found", "{path}");
        assert_eq!(answer.field("Cache-Control"), "no-store", "{path}");
    }
}

#[test]
fn a_page_of_another_version_has_a_style_and_can_load_itself_again() {
    let service = Service::start();
    let own = assets(service.url());
    let page = service.url().get("/").send().expect(200);
    let links = attributes(&page, "href");
    let styles: Vec<_> = links
        .iter()
        .filter_map(|link| link.strip_prefix(&*own))
        .filter(|name| name.ends_with(".css"))
        .collect();
    assert!(styles.len() > 1, "{links:?}");
    for name in styles {
        let style = service.url().get(&format!("{OTHER_VERSION}{name}")).send().expect(200);
        assert_kept(&style, "text/css", "no-store");
        assert_eq!(style.body, service.url().get(&format!("{own}{name}")).send().body);
    }
    let boot = service.url().get("/ui/boot.js").send().expect(200);
    assert_kept(&boot, "text/javascript", "no-cache");
}

#[test]
fn a_folder_of_the_page_is_read_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("strings")).unwrap();
    write("index.html", "<link href=\"{{ assets }}/style.css\">{{ t.hello }}{% include 'part.html' %}");
    write("part.html", ", world");
    write("style.css", "a { color: red; }");
    write("boot.js", "1");
    write(".secret.js", "1");
    write("secret.css", "a { color: red; }");
    write("strings/en.json", r#"{"hello": "Hello"}"#);
    let service = Service::start_with(&["--ui-dir", folder.path().to_str().unwrap()]);
    let at = service.url();

    assert!(at.get("/").send().expect(200).text().ends_with("Hello, world"));
    assert_eq!(assets(at), "/ui/dev");
    for (name, kind) in
        [("style.css", "text/css"), ("boot.js", "text/javascript"), ("strings/en.json", "application/json")]
    {
        assert_kept(&at.get(&format!("/ui/dev/{name}")).send().expect(200), kind, "no-cache");
    }
    assert_kept(&at.get("/ui/boot.js").send().expect(200), "text/javascript", "no-cache");
    assert_kept(&at.get(&format!("{OTHER_VERSION}/style.css")).send().expect(200), "text/css", "no-store");
    for path in
        ["/ui/dev/index.html", "/ui/dev/part.html", "/ui/dev/no-such.js", &format!("{OTHER_VERSION}/boot.js")]
    {
        assert_eq!(at.get(path).send().expect(404).json()["code"], "not_found", "{path}");
    }
    for path in [
        "/ui/dev/.secret.js",
        "/ui/dev/..%2f..%2fetc%2fpasswd",
        "/ui/dev/../../../../etc/passwd",
        "/ui/%64ev/.secret.js",
        &format!("{OTHER_VERSION}/secret.css"),
        &format!("{OTHER_VERSION}/..%2fsecret.css"),
    ] {
        let answer = at.get(path).send();
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }

    write("strings/en.json", r#"{"hello": "Good morning"}"#);
    write("part.html", ", everybody");
    assert!(at.get("/").send().expect(200).text().ends_with("Good morning, everybody"));
    write("style.css", "a { color: blue; }");
    assert_eq!(at.get("/ui/dev/style.css").send().expect(200).text(), "a { color: blue; }");
    write("index.html", "{{ t.hello");
    assert_eq!(at.get("/").send().expect(500).json()["code"], "internal");
    until("why is logged", || service.process.logged("the page cannot be rendered").pop());
}
