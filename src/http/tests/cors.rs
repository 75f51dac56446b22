//! Browsers that use the service on pages of other origins.

use crate::domain::Origins;
use crate::http::testing::{Answer, Server};
use crate::replica::Role;
use std::collections::BTreeSet;

const FRIEND: &str = "https://app.example";
const STRANGER: &str = "https://evil.example";

fn server() -> Server {
    Server::start_for(Role::Frontend, Origins::These(vec![FRIEND.into(), "http://localhost:3000".into()]))
}

/// The values of a header that is a comma-separated list, in small letters.
fn list(answer: &Answer, name: &str) -> BTreeSet<String> {
    let values = answer.header(name).unwrap_or_default().split(',');
    values.map(|value| value.trim().to_ascii_lowercase()).filter(|value| !value.is_empty()).collect()
}

fn preflight(server: &Server, target: &str, origin: &str, method: &str, headers: &str) -> Answer {
    let fields = [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", headers),
    ];
    server.request("OPTIONS", target, &fields, b"")
}

fn allowed_origin(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[test]
fn a_preflight_allows_each_method_and_header_that_a_client_needs() {
    let server = server();
    for (target, methods) in [
        ("/files/", &["POST"][..]),
        ("/files/01890a5d-ac96-774b-bcce-b302099a8057", &["HEAD", "PATCH", "DELETE", "GET", "POST"]),
        ("/api/uploads", &["GET", "POST"]),
        ("/api/uploads/a.txt", &["PUT", "DELETE"]),
    ] {
        for method in methods {
            let headers = "content-type,tus-resumable,upload-offset,upload-length,upload-defer-length,upload-metadata,\
                           upload-concat,upload-checksum,x-http-method-override,x-request-id";
            let answer = preflight(&server, target, FRIEND, method, headers);
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            assert_eq!(allowed_origin(&answer), Some(FRIEND));
            assert!(list(&answer, "access-control-allow-methods").contains(&method.to_ascii_lowercase()));
            let asked: BTreeSet<String> = headers.split(',').map(str::to_owned).collect();
            assert!(list(&answer, "access-control-allow-headers").is_superset(&asked), "{answer:?}");
            assert!(answer.header("access-control-max-age").unwrap().parse::<u32>().unwrap() > 0);
            assert!(list(&answer, "vary").contains("origin"), "{answer:?}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            assert!(
                answer.header("x-request-id").is_some() && answer.header("x-frontend-container").is_some()
            );
        }
    }
}

#[test]
fn a_preflight_from_a_stranger_is_refused_and_says_what_to_do() {
    let server = server();
    for origin in
        [STRANGER, "https://app.example:8443", "http://app.example", "https://app.example.evil", "null"]
    {
        let answer = preflight(&server, "/files/", origin, "POST", "tus-resumable");
        let problem = answer.problem(403, "cross_site");
        assert!(problem["advice"].as_str().unwrap().contains("--cors-origin"), "{problem}");
        assert_eq!(allowed_origin(&answer), None);
    }
    let unheard = preflight(&server, "/files/", FRIEND, "TRACE", "tus-resumable");
    unheard.problem(400, "bad_request");
    assert_eq!(allowed_origin(&unheard), None);
}

#[test]
fn an_answer_lets_its_page_read_everything_that_is_said_in_headers() {
    let server = server();
    let from = ("Origin", FRIEND);
    let answer = server.tus("POST", "/files/", &[from, ("Upload-Length", "3")], b"");
    assert_eq!((answer.status, allowed_origin(&answer)), (201, Some(FRIEND)));
    let exposed = list(&answer, "access-control-expose-headers");
    let id = answer.header("location").unwrap().to_owned();
    let append = [from, ("Upload-Offset", "0"), ("Content-Type", "application/offset+octet-stream")];
    let answers = [
        server.request("OPTIONS", "/files/", &[from], b""),
        server.tus("HEAD", &id, &[from], b""),
        server.tus("PATCH", &id, &append, b"abc"),
        server.get(&id, &[from, ("Range", "bytes=1-1")]),
        answer,
    ];
    // What browsers show without being told, what is theirs and not the page's, and what is only about the transfer.
    let plain = [
        "cache-control",
        "content-length",
        "content-type",
        "last-modified",
        "connection",
        "date",
        "vary",
        "allow",
        "x-content-type-options",
        "content-security-policy",
    ];
    for answer in &answers {
        assert_eq!(allowed_origin(answer), Some(FRIEND), "{answer:?}");
        assert!(list(answer, "vary").contains("origin"), "{answer:?}");
        for (name, _) in &answer.headers {
            let known = plain.contains(&name.as_str()) || name.starts_with("access-control-");
            assert!(known || exposed.contains(name), "{name} is not exposed");
        }
    }
    let said_elsewhere = [
        "upload-defer-length",
        "upload-metadata",
        "upload-expires",
        "upload-concat",
        "tus-checksum-algorithm",
        "x-backend-container",
        "retry-after",
        "tus-version",
    ];
    assert!(said_elsewhere.iter().all(|name| exposed.contains(*name)), "{exposed:?}");
}

#[test]
fn errors_can_be_read_too_whichever_part_of_the_server_makes_them() {
    let server = server();
    let from = ("Origin", FRIEND);
    for (answer, status, code) in [
        (server.request("POST", "/files/", &[from], b""), 412, "unsupported_tus_version"),
        (server.tus("POST", "/files/", &[from], b""), 400, "bad_header"),
        (server.get("/nowhere", &[from]), 404, "not_found"),
        (server.request("PATCH", "/api/uploads", &[from], b""), 405, "method_not_allowed"),
        (server.get("/api/uploads?limit=0", &[from]), 400, "bad_query"),
        (server.get("/", &[from, ("Upgrade", "websocket")]), 400, "bad_request"),
    ] {
        answer.problem(status, code);
        assert_eq!(allowed_origin(&answer), Some(FRIEND), "{answer:?}");
        assert!(list(&answer, "access-control-expose-headers").contains("x-request-id"));
    }
}

#[test]
fn who_sends_no_origin_and_strangers_are_answered_as_ever_and_nothing_is_allowed() {
    let server = server();
    for fields in [&[][..], &[("Origin", STRANGER)]] {
        let options = server.request("OPTIONS", "/files/", fields, b"");
        assert_eq!((options.status, options.header("tus-version")), (200, Some("1.0.0")));
        let list = server.get("/api/uploads", fields);
        assert_eq!(list.status, 200);
        assert_eq!((allowed_origin(&options), allowed_origin(&list)), (None, None));
    }
}

#[test]
fn of_a_wildcard_any_origin_may_use_it() {
    let server = Server::start_for(Role::Backend, Origins::Any);
    let answer = preflight(&server, "/files/", STRANGER, "POST", "tus-resumable");
    assert_eq!((answer.status, allowed_origin(&answer)), (200, Some("*")));
    let answer = server.get("/api/uploads", &[("Origin", STRANGER)]);
    assert_eq!((answer.status, allowed_origin(&answer)), (200, Some("*")));
}

#[test]
fn without_origins_nothing_is_said_of_them() {
    let server = Server::start(Role::Frontend);
    let options = preflight(&server, "/files/", FRIEND, "POST", "tus-resumable");
    assert_eq!((options.status, options.header("tus-version")), (200, Some("1.0.0")));
    for answer in [options, server.get("/api/uploads", &[("Origin", FRIEND)])] {
        let said: Vec<_> =
            answer.headers.iter().filter(|(name, _)| name.starts_with("access-control-")).collect();
        assert!(said.is_empty() && answer.header("vary").is_none(), "{answer:?}");
    }
}

#[test]
fn a_form_on_the_page_of_an_allowed_origin_is_taken_and_a_strangers_refused() {
    let server = server();
    let body = b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nabc\r\n--x--\r\n";
    let send = |origin| {
        let kind = ("Content-Type", "multipart/form-data; boundary=x");
        let fields = [("Origin", origin), ("Sec-Fetch-Site", "cross-site"), kind];
        server.request("POST", "/api/uploads", &fields, body)
    };
    send(STRANGER).problem(403, "cross_site");
    send("null").problem(403, "cross_site");
    assert!(server.memory.look().uploads.is_empty());
    let taken = send(FRIEND);
    assert_eq!((taken.status, allowed_origin(&taken)), (201, Some(FRIEND)));
}
