use crate::http::testing::Server;
use crate::replica::Role;
use std::time::Duration;

#[test]
fn a_sane_request_id_is_taken_over_and_another_is_replaced() {
    let server = Server::start(Role::Frontend);
    let answer = server.get("/api/uploads", &[("X-Request-Id", "abc-1")]);
    assert_eq!(answer.header("x-request-id"), Some("abc-1"));
    let (one, other) = (server.get("/", &[]), server.get("/api/uploads", &[("X-Request-Id", "a b")]));
    let (one, other) = (one.header("x-request-id").unwrap(), other.header("x-request-id").unwrap());
    assert_ne!(one, other);
    assert_ne!(other, "a b");
}

#[test]
fn every_answer_says_who_gave_it() {
    for (role, own, other) in [
        (Role::Frontend, "x-frontend-container", "x-backend-container"),
        (Role::Backend, "x-backend-container", "x-frontend-container"),
    ] {
        let server = Server::start(role);
        for target in ["/healthz", "/nowhere", "/api/uploads?limit=0"] {
            let answer = server.get(target, &[]);
            assert_eq!(answer.header(own), Some(server.replica.identity.container_id.as_str()));
            assert_eq!(answer.header(other), None);
        }
    }
}

#[test]
fn errors_of_the_router_are_problems_too() {
    let server = Server::start(Role::Frontend);
    server.get("/nowhere", &[]).problem(404, "not_found");
    server.get("/api/uploads/no-id", &[]).problem(404, "not_found");
    let answer = server.request("PATCH", "/api/uploads", &[], b"");
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, PUT"));
}

#[test]
fn head_is_answered_wherever_get_is_and_without_a_body() {
    let server = Server::start(Role::Frontend);
    let mut connection = server.connect();
    for (target, status) in [("/nowhere", 404), ("/api/uploads", 200), ("/healthz", 200)] {
        connection.send_head("HEAD", target, &[]);
        assert_eq!(connection.read("HEAD").status, status);
    }
    connection.send_head("GET", "/healthz", &[]);
    assert_eq!(connection.read("GET").status, 200);
}

#[test]
fn unavailable_says_when_to_try_again() {
    let server = Server::start(Role::Frontend);
    server.memory.look().unavailable = Some(Duration::from_millis(1500));
    let answer = server.get("/api/uploads", &[]);
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[test]
fn traffic_is_counted_in_bytes_and_requests_but_for_probes() {
    let server = Server::start(Role::Frontend);
    let record = server.store("a", &[7; 1000]);
    let put = server.replica.traffic.bytes_out();
    let mut connection = server.connect();
    connection.send_head("GET", record["url"].as_str().unwrap(), &[]);
    connection.read("GET");
    for probe in ["/healthz", "/startupz", "/readyz", "/metrics"] {
        connection.send_head("GET", probe, &[]);
        connection.read("GET");
    }
    let traffic = &server.replica.traffic;
    assert_eq!((traffic.requests_served(), traffic.in_flight()), (2, 0));
    assert_eq!((traffic.bytes_in(), traffic.bytes_out() - put), (1000, 1000));
}

#[test]
fn a_request_is_in_flight_until_its_client_goes_away() {
    let server = Server::start(Role::Frontend);
    let mut connection = server.connect();
    connection.send_head("PUT", "/api/uploads/a", &[("Content-Length", "10")]);
    connection.send(b"abc");
    drop(server.memory.until(|store| store.uploads.len() == 1));
    assert_eq!(server.replica.traffic.in_flight(), 1);
    connection.reset();
    drop(server.memory.until(|store| store.removed.len() == 1));
    assert_eq!(server.replica.traffic.in_flight(), 0);
}

/// It reads the answer only after it has sent all it has: once more than the kernel takes without a reader.
#[test]
fn who_sends_a_body_that_nobody_reads_is_answered_all_the_same() {
    let server = Server::start(Role::Frontend);
    for size in [5, 16 << 20] {
        for (length, begins, ends) in [
            (("Content-Length", size.to_string()), String::new(), ""),
            (("Transfer-Encoding", "chunked".into()), format!("{size:x}\r\n"), "\r\n0\r\n\r\n"),
        ] {
            let mut connection = server.connect();
            connection.send_head("DELETE", "/api/uploads/nothing", &[(length.0, &length.1)]);
            connection.send(begins.as_bytes());
            connection.send(&vec![7; size]);
            connection.send(ends.as_bytes());
            let answer = connection.read("DELETE");
            answer.problem(404, "not_found");
            // What is left of the body must not be taken for the next request.
            assert_eq!(answer.header("connection"), Some("close"));
        }
    }
}
