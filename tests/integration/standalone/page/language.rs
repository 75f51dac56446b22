use crate::standalone::Service;
use crate::support::api::put;
use crate::support::client::{Answer, Url};
use crate::support::content::Content;
use serde_json::Value;

/// The texts of a language, as the page's file has them.
fn text(language: &str, key: &str) -> String {
    let file = match language {
        "en" => include_str!("../../../../src/frontend/ui/strings/en.json"),
        _ => include_str!("../../../../src/frontend/ui/strings/pt-BR.json"),
    };
    let texts: Value = serde_json::from_str(file).unwrap();
    texts[key].as_str().unwrap().to_owned()
}

fn page(at: &Url, headers: &[(&str, &str)]) -> Answer {
    headers.iter().fold(at.get("/"), |request, (name, value)| request.header(name, value)).send().expect(200)
}

#[track_caller]
fn assert_in(page: &Answer, language: &str) {
    assert_eq!(page.field("Content-Language"), language);
    assert!(page.text().contains(&format!("<html lang=\"{language}\"")), "{}", page.text());
    assert!(page.text().contains(&text(language, "tagline")), "{}", page.text());
}

#[test]
fn the_page_speaks_the_language_that_the_browser_asks_for() {
    let service = Service::start();
    assert_in(&page(service.url(), &[]), "en");
    assert_in(&page(service.url(), &[("Accept-Language", "pt-PT,pt;q=0.9,en;q=0.8")]), "pt-BR");
    assert_in(&page(service.url(), &[("Accept-Language", "de-DE,de;q=0.9")]), "en");
}

#[test]
fn a_refusal_is_said_in_the_language_of_the_page() {
    let service = Service::start();
    let request =
        service.url().get("/?sort=colour").header("Accept", "text/html").header("Accept-Language", "pt-BR");
    let page = request.send().expect(400);
    assert!(page.text().contains(r#"<h2 lang="pt-BR">A consulta está malformada</h2>"#), "{}", page.text());
    let request = service.url().get("/?sort=colour").header("Accept", "text/html");
    let page = request.send().expect(400);
    assert!(page.text().contains(r#"<h2 lang="en">The query is malformed</h2>"#), "{}", page.text());
}

#[test]
fn a_language_that_was_chosen_stays() {
    let service = Service::start();
    let english = page(service.url(), &[("Accept-Language", "en")]);
    assert!(
        super::attributes(&english, "href").contains(&"/language/pt-BR".to_owned()),
        "{}",
        english.text()
    );
    let answer = service.url().get("/language/pt-BR").send().expect(303);
    assert_eq!(answer.field("Location"), "/");
    let cookie = answer.field("Set-Cookie");
    // The page's script reads it, so not HttpOnly.
    assert_eq!(cookie, "language=pt-BR; Path=/; Max-Age=31536000; SameSite=Lax");
    let cookie = cookie.split(';').next().unwrap();
    assert_in(&page(service.url(), &[("Accept-Language", "en"), ("Cookie", cookie)]), "pt-BR");
    for tag in ["fr", "pt", "../en", "en%0d%0aX-A: b"] {
        let answer = service.url().get(&format!("/language/{tag}")).send();
        assert!(matches!(answer.status, 400 | 404), "{tag}: {}", answer.status);
        assert_eq!(answer.head.field("Set-Cookie"), None);
    }
}

#[test]
fn sizes_are_written_as_the_language_writes_them() {
    let service = Service::start_with(&["--max-upload-size", "2560KiB"]);
    put(service.url(), "a.bin", Content::new(1, 1536));
    for (language, size, limit) in [("en", "1.5 KiB", "2.5 MiB"), ("pt-BR", "1,5 KiB", "2,5 MiB")] {
        let page = page(service.url(), &[("Accept-Language", language)]);
        let hint = text(language, "send_hint").replace("{size}", limit);
        assert!(page.text().contains(size) && page.text().contains(&hint), "{}", page.text());
    }
}
