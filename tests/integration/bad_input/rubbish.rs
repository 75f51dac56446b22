use super::{Target, problem};
use crate::support::api::{Tus, content_path, put, record, text, tus};
use crate::support::content::Content;
use crate::support::wait::until;

#[test]
fn what_is_no_http_is_refused_and_the_connection_closed() {
    for target in Target::each() {
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20)),
            ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()),
            ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
            ("another version", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n".to_vec()),
            ("no version", b"GET /\r\n\r\n".to_vec()),
            ("no host", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
            ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_vec()),
            ("no method", b" / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
            ("a NUL in a header", b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n".to_vec()),
            ("a NUL in the path", b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
            ("bytes in the path", b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
            ("no colon", b"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n".to_vec()),
            ("a path of 100 kB", [b"GET /", &[b'a'; 100_000][..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat()),
            (
                "a header of 200 kB",
                [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", &[b'a'; 200_000][..], b"\r\n\r\n"].concat(),
            ),
            (
                "1000 headers",
                [b"GET / HTTP/1.1\r\nHost: a\r\n", &b"X: y\r\n".repeat(1000)[..], b"\r\n"].concat(),
            ),
            ("a head without end", b"X: y\r\n".repeat(100_000)),
            ("zeros", vec![0; 100_000]),
        ];
        for (case, bytes) in cases {
            let exchange = target.url().raw(&bytes);
            exchange.finish();
            let answer = String::from_utf8(exchange.rest()).unwrap();
            // A reset, which a server that stops reading may send, may take the answer with it.
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{case}: {answer}");
            assert!(answer.matches("HTTP/1.1 ").count() < 2, "{case}: {answer}");
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn strange_methods_and_paths_get_clear_answers() {
    for target in Target::each() {
        for (method, path, status, code) in [
            ("BREW", "/api/uploads", 405, "method_not_allowed"),
            ("TRACE", "/api/uploads", 405, "method_not_allowed"),
            ("get", "/healthz", 405, "method_not_allowed"),
            ("PATCH", "/api/uploads", 405, "method_not_allowed"),
            ("DELETE", "/api/uploads", 405, "method_not_allowed"),
            ("POST", "/metrics", 405, "method_not_allowed"),
            ("POST", "/api/uploads/x/content", 405, "method_not_allowed"),
            ("GET", "/files/", 405, "method_not_allowed"),
            ("OPTIONS", "*", 404, "not_found"),
            ("CONNECT", "example.org:443", 404, "not_found"),
            ("GET", "/%", 404, "not_found"),
            ("GET", "/%zz%00%ff", 404, "not_found"),
            ("GET", "/../../etc/passwd", 404, "not_found"),
            ("GET", "/ui/..%2f..%2f..%2fetc%2fpasswd", 404, "not_found"),
            ("GET", "//healthz", 404, "not_found"),
            ("GET", "/api/uploads/x/y/z", 404, "not_found"),
            ("GET", &format!("/{}", "a/".repeat(20_000)), 404, "not_found"),
            ("GET", &format!("/api/uploads/{}/content", "a".repeat(60_000)), 404, "not_found"),
        ] {
            let answer = target.request(method, path).header("Tus-Resumable", "1.0.0").send();
            assert!(
                status != 405 || answer.head.field("Allow").is_some(),
                "{method} {path:.60}: {:?}",
                answer.head
            );
            problem(answer, status, code);
        }
        target.assert_unharmed(&[]);
    }
}

#[test]
fn a_put_of_any_path_is_a_name_or_nothing() {
    let target = Target::standalone();
    for path in [
        "/api/uploads/%",
        "/api/uploads/%zz",
        "/api/uploads/%00",
        "/api/uploads/%2e%2e",
        "/api/uploads/a?b=c",
    ] {
        target.request("PUT", path).send_body(b"abc").expect(201);
    }
    problem(target.request("PUT", "/api/uploads/a/b").send_body(b"abc"), 404, "not_found");
    target.assert_unharmed(&["%", "%zz", "a", "unnamed", "unnamed"]);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    for target in Target::each() {
        let get = "GET /version HTTP/1.1\r\nHost: a\r\n\r\n";
        let put = "PUT /api/uploads/piped HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        let lost = "GET /lost HTTP/1.1\r\nHost: a\r\n\r\n";
        let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let all = format!("{get}{put}{lost}{}{last}", get.repeat(30));
        let answers = String::from_utf8(target.url().raw(all).rest()).unwrap();
        let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        let expected = [vec!["200", "201", "404"], vec!["200"; 31]].concat();
        assert_eq!(statuses, expected, "{answers}");
        target.assert_unharmed(&["piped"]);
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_is_a_request() {
    for target in Target::each() {
        let mut exchange = target.url().raw("");
        for byte in b"PUT /api/uploads/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" {
            exchange.write(&[*byte]).unwrap();
        }
        let answer = exchange.answer().unwrap().expect(201);
        let id = text(&answer.json()["uploads"][0], "id").to_owned();
        assert_eq!(target.url().get(&content_path(&id)).send().expect(200).body, b"hello");
        target.assert_unharmed(&["slow"]);
    }
}

#[test]
fn a_body_where_none_belongs_is_passed_over() {
    for target in Target::each() {
        let id = text(&put(target.url(), "a", Content::new(1, 10)), "id").to_owned();
        let paths = ["/healthz".to_owned(), "/api/uploads".into(), content_path(&id), format!("/files/{id}")];
        for path in &paths {
            target.request("GET", path).send_body(&[b'x'; 100_000]).expect(200);
            // It must not be taken for a request of its own.
            let inner = "DELETE /api/uploads/ID HTTP/1.1\r\nHost: a\r\n\r\n".replace("ID", &id);
            target.request("GET", path).send_body(inner.as_bytes()).expect(200);
        }
        problem(target.request("POST", "/no/such").send_body(&[b'x'; 100_000]), 404, "not_found");
        target.assert_unharmed(&["a"]);
    }
}

#[test]
fn what_only_a_frontend_may_say_is_stripped_at_the_edge() {
    let target = Target::standalone();
    let (mine, other) = ("01890a5d-ac96-774b-bcce-b302099a8057", "0123456789ab");
    let spoof = |method: &str, path: &str| {
        let request =
            tus(target.url(), method, path).header("X-Upload-Id", mine).header("X-Upload-Epoch", 999);
        let request = request.header("X-Frontend-Container", other).header("X-Backend-Container", other);
        request.header("Content-Type", "application/offset+octet-stream").header("Upload-Offset", 0)
    };
    let created = spoof("POST", "/files/").header("Upload-Length", 3).send_body(b"").expect(201);
    let upload = Tus { path: created.field("Location").to_owned() };
    assert_ne!(upload.id(), mine);
    // The epoch of nobody would be refused, and the answer to a relay is 200 with the record.
    let appended = spoof("PATCH", &upload.path).send_body(b"abc").expect(204);
    for answer in [&created, &appended] {
        assert_eq!(answer.head.field("X-Upload-Epoch"), None, "{:?}", answer.head);
        assert_ne!(answer.field("X-Frontend-Container"), other);
        assert_ne!(answer.field("X-Backend-Container"), other);
    }
    let segments = record(target.url(), upload.id())["segments"].to_string();
    assert!(
        segments.contains(appended.field("X-Frontend-Container")) && !segments.contains(other),
        "{segments}"
    );
    let heartbeat = target.request("POST", "/internal/heartbeat").header("Content-Type", "application/json");
    problem(heartbeat.send_body(b"{}"), 404, "not_found");
    target.assert_unharmed(&["unnamed"]);
}

#[test]
fn internal_headers_that_make_no_sense_harm_no_backend() {
    let target = Target::backend();
    let upload = Tus::create(target.url(), 3);
    for (name, value) in
        [("X-Upload-Epoch", "-1"), ("X-Upload-Epoch", "99999999999999999999"), ("X-Upload-Epoch", "one")]
    {
        let request = tus(target.url(), "PATCH", &upload.path).header(name, value).header("Upload-Offset", 0);
        let request = request.header("Content-Type", "application/offset+octet-stream");
        problem(request.send_body(b"abc"), 400, "bad_header");
    }
    for id in ["", "x", "../x", "00000000-0000-0000-0000-000000000000"] {
        let request =
            tus(target.url(), "POST", "/files/").header("Upload-Length", 3).header("X-Upload-Id", id);
        problem(request.send_body(b""), 400, "bad_header");
    }
    for frontend in ["", "x", "0123456789AB", "../../../etc"] {
        target.url().get("/version").header("X-Frontend-Container", frontend).send().expect(200);
    }
    // A relay's chunk longer than any relay's is refused before room is made for it.
    let relayed =
        tus(target.url(), "PATCH", &upload.path).header("X-Upload-Epoch", 1).header("Upload-Offset", 0);
    let relayed = relayed.header("Content-Type", "application/offset+octet-stream");
    problem(relayed.header("Content-Length", u64::MAX).begin().unwrap().answer().unwrap(), 413, "too_large");
    assert_eq!(upload.offset(target.url()), 0);
    target.assert_unharmed(&["test.bin"]);
}

#[test]
fn a_heartbeat_that_is_none_is_400() {
    let target = Target::backend();
    let good = until("the backend has reported itself", || {
        let list = target.url().get("/api/replicas").send().expect(200).json();
        list["replicas"].get(0).map(ToString::to_string)
    });
    let with = |field: &str, value: &str| {
        let mut report: serde_json::Value = serde_json::from_str(&good).unwrap();
        report[field] = serde_json::from_str(value).unwrap();
        report.to_string()
    };
    let cases = [
        String::new(),
        "{".into(),
        "{}".into(),
        "null".into(),
        "[]".into(),
        "[".repeat(100_000),
        "\u{0}".into(),
        with("role", "\"admin\""),
        with("container_id", "\"../../x\""),
        with("container_id", "null"),
        with("requests_served", "-1"),
        with("bytes_in", "18446744073709551616"),
        with("started_at", "\"yesterday\""),
        with("hostname", &format!("\"{}\"", "x".repeat(3 << 20))),
    ];
    for body in &cases {
        let request =
            target.request("POST", "/internal/heartbeat").header("Content-Type", "application/json");
        let answer = request.send_body(body.as_bytes());
        assert_eq!(answer.status, 400, "{body:.300}");
        problem(answer, 400, "bad_body");
    }
    problem(target.request("POST", "/internal/heartbeat").send_body(good.as_bytes()), 400, "bad_body");
    for strange in [good.clone(), with("bytes_in", "18446744073709551615"), with("hostname", "\"<b>\"")] {
        let request =
            target.request("POST", "/internal/heartbeat").header("Content-Type", "application/json");
        request.send_body(strange.as_bytes()).expect(204);
        target.url().get("/api/replicas").send().expect(200);
    }
    target.assert_unharmed(&[]);
}

#[test]
fn a_request_id_that_is_not_sane_is_replaced() {
    for target in Target::each() {
        for id in ["", "a b", "a\tb", "<script>", "\u{e9}", "../..", "a;b", &"x".repeat(129)] {
            let answer = target.url().get("/no/such").header("X-Request-Id", id).send();
            assert_ne!(answer.field("X-Request-Id"), id);
            problem(answer, 404, "not_found");
        }
        target.assert_unharmed(&[]);
    }
}

/// The framework would take whatever comes after it on the connection for the body.
#[test]
fn an_upgrade_to_websocket_is_refused_and_no_body_is_read() {
    for target in Target::each() {
        for lines in [&["WebSocket"][..], &["x, websocket"], &["x", "websocket"], &["websocket", "x"]] {
            let request = target.request("PUT", "/api/uploads/upgraded").header("Content-Length", 3);
            let request = request.header("Connection", "Upgrade");
            let request = lines.iter().fold(request, |request, line| request.header("Upgrade", line));
            let mut exchange = request.begin().unwrap();
            exchange.write(b"abc").unwrap();
            problem(exchange.answer().unwrap(), 400, "bad_request");
        }
        target.assert_unharmed(&[]);
    }
}
