//! What a listener hears, and when it ends.

use crate::http::testing::{Connection, Server};
use crate::replica::{Identity, Replica, Role};
use serde_json::{Value, json};

struct Listener(Connection);

/// One event: its name, its id and its data.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Event {
    fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let of_name = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
            text.lines().find_map(of_name)
        };
        let data = serde_json::from_str(&field("data").unwrap()).unwrap();
        Self { name: field("event").unwrap(), id: field("id").unwrap_or_default(), data }
    }
}

impl Listener {
    fn on(server: &Server) -> Self {
        Self::with(server, &[])
    }

    /// That has heard the first thing said.
    fn with(server: &Server, headers: &[(&str, &str)]) -> Self {
        Self::at(server, "/api/events", headers)
    }

    fn at(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut connection = server.connect();
        connection.send_head("GET", path, headers);
        let head = connection.read_head();
        assert_eq!(head.status, 200);
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(head.header(name), Some(value));
        }
        assert_eq!(connection.read_event().unwrap(), "retry: 1000");
        Self(connection)
    }

    fn next(&mut self) -> Event {
        Event::parse(&self.0.read_event().expect("the stream goes on"))
    }

    /// The next of these. Others come each second, so it would be waited for in vain for ever.
    fn next_of(&mut self, names: &[&str]) -> Event {
        let mut next = (0..100).map(|_| self.next());
        next.find(|event| names.contains(&event.name.as_str())).unwrap_or_else(|| panic!("none of {names:?}"))
    }

    fn next_upload(&mut self) -> Event {
        self.next_of(&["uploads", "reload"])
    }
}

fn ids(records: &Value) -> Vec<&str> {
    records.as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap()).collect()
}

/// The registry has heard of it.
fn server() -> Server {
    let server = Server::start(Role::Frontend);
    server.state.heard.lock().unwrap().push(server.replica.report());
    server
}

#[test]
fn a_new_listener_is_told_who_lives_and_from_when_on_nothing_is_missed() {
    let server = server();
    server.store("before", b"abc");
    let report = Replica::new(Role::Backend, Identity::invented()).report();
    server.state.heard.lock().unwrap().push(report.clone());
    let mut listener = Listener::on(&server);
    let first = [listener.next_of(&["replicas", "uploads"]), listener.next_of(&["replicas", "uploads"])];
    let of = |name: &str| first.iter().find(|event| event.name == name).unwrap();
    let (replicas, uploads) = (of("replicas"), of("uploads"));
    assert_eq!(replicas.data["replicas"][1]["container_id"], report.identity.container_id.as_str());
    assert_eq!(replicas.data["replicas"][1]["silent"], false);
    assert!(replicas.data["now"].is_string());
    assert_eq!(uploads.data, json!({"completed": [], "removed": []}));
    assert!(uploads.id.parse::<i64>().unwrap() > 0);
}

/// A database that has just come back knows only those that were quicker.
#[test]
fn who_lives_is_not_told_before_the_registry_has_heard_of_who_asks() {
    let server = Server::start(Role::Frontend);
    let heard = |report| server.state.heard.lock().unwrap().push(report);
    heard(Replica::new(Role::Backend, Identity::invented()).report());
    let mut listener = Listener::on(&server);
    listener.next_of(&["unavailable"]);
    heard(server.replica.report());
    let event = listener.next_of(&["replicas"]);
    assert_eq!(event.data["replicas"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_completed_and_removed_is_told() {
    let server = server();
    let mut listener = Listener::on(&server);
    listener.next_upload();
    let stored = server.store("a", b"abc");
    let event = listener.next_upload();
    let listed = server.get("/api/uploads", &[]).json()["uploads"].take();
    assert_eq!(event.data["completed"], listed, "as the list shows it");
    assert!(!event.id.is_empty());
    let target = format!("/api/uploads/{}", stored["id"].as_str().unwrap());
    assert_eq!(server.request("DELETE", &target, &[], b"").status, 204);
    let event = loop {
        let event = listener.next_upload();
        if event.data["completed"] == json!([]) {
            break event;
        }
    };
    assert_eq!(event.data["removed"], json!([stored["id"]]));
}

#[test]
fn who_comes_back_is_first_told_what_has_happened_since() {
    let server = server();
    let mut listener = Listener::on(&server);
    let known = listener.next_upload().id;
    drop(listener);
    let (kept, removed) = (server.store("kept", b"abc"), server.store("removed", b"abc"));
    let removed = removed["id"].as_str().unwrap();
    assert_eq!(server.request("DELETE", &format!("/api/uploads/{removed}"), &[], b"").status, 204);
    let path = format!("/api/events?since={known}");
    let by_header = Listener::with(&server, &[("Last-Event-ID", &known)]);
    for mut listener in [by_header, Listener::at(&server, &path, &[])] {
        let event = listener.next_upload();
        assert_eq!(ids(&event.data["completed"]), [kept["id"].as_str().unwrap()]);
        assert_eq!(event.data["removed"], json!([removed]));
        assert!(event.id > known);
    }
    // One that knows nothing yet is told nothing of before.
    let mut listener = Listener::at(&server, "/api/events?since=", &[]);
    assert_eq!(listener.next_upload().data, json!({"completed": [], "removed": []}));
}

#[test]
fn who_cannot_be_told_all_is_told_to_fetch_the_list_anew_and_goes_on_from_there() {
    let server = server();
    let mut listener = Listener::with(&server, &[("Last-Event-ID", "yesterday")]);
    let event = listener.next_upload();
    assert_eq!((event.name.as_str(), &event.data), ("reload", &json!({})));
    assert!(event.id.parse::<i64>().unwrap() > 0, "so that it says another one the next time");
    let known = event.id;

    server.memory.look().too_many = true;
    assert_eq!(Listener::with(&server, &[("Last-Event-ID", &known)]).next_upload().name, "reload");
    assert_eq!(listener.next_upload().name, "reload", "also who listens");
}

/// Its connection is full, so nothing more is read for it.
#[test]
fn who_does_not_read_holds_no_memory_and_is_told_to_fetch_the_list_anew() {
    let server = server();
    let mut listener = Listener::on(&server);
    listener.next_upload();
    const MEGABYTE: usize = 1 << 20;
    for _ in 0..64 {
        server.events.uploads(format!("event: uploads\ndata: \"{}\"\n\n", "x".repeat(MEGABYTE)));
    }
    let mut heard = 0;
    while listener.next_upload().name != "reload" {
        heard += 1;
    }
    assert!(heard < 64, "none was left out");
}

#[test]
fn a_stream_goes_on_while_nobody_can_be_asked() {
    let server = server();
    let mut listener = Listener::on(&server);
    listener.next_of(&["replicas"]);
    *server.state.unready.lock().unwrap() = Some("the database does not answer".into());
    // Again and again: who hears nothing for some seconds takes the stream for dead.
    for _ in 0..3 {
        assert_eq!(listener.next_of(&["unavailable"]).data, json!({}));
    }
    let mut late = Listener::on(&server);
    late.next_of(&["unavailable"]);
    *server.state.unready.lock().unwrap() = None;
    listener.next_of(&["replicas"]);
    late.next_of(&["replicas"]);
}

#[test]
fn a_stream_ends_when_the_replica_closes_and_not_before() {
    let server = server();
    let mut listener = Listener::on(&server);
    server.replica.drain();
    for _ in 0..3 {
        listener.next_of(&["traffic"]);
    }
    server.replica.close();
    // Some may be on their way.
    assert!((0..20).any(|_| listener.0.read_event().is_none()));
}

#[test]
fn who_watches_does_not_change_what_is_watched() {
    let server = server();
    let (served, sent) = (server.replica.traffic.requests_served(), server.replica.traffic.bytes_out());
    let mut listener = Listener::on(&server);
    listener.next_of(&["traffic"]);
    let traffic = &server.replica.traffic;
    assert_eq!((traffic.in_flight(), traffic.requests_served(), traffic.bytes_out()), (0, served, sent));
}

#[test]
fn a_head_is_that_of_a_stream_and_over() {
    let server = server();
    let mut connection = server.connect();
    connection.send_head("HEAD", "/api/events", &[]);
    assert_eq!(connection.read("HEAD").header("content-type"), Some("text/event-stream"));
    connection.send_head("GET", "/healthz", &[]);
    assert_eq!(connection.read("GET").status, 200);
}

#[test]
fn a_replica_that_left_is_not_listed() {
    let server = Server::start(Role::Backend);
    let report = Replica::new(Role::Frontend, Identity::invented()).report();
    server.state.heard.lock().unwrap().push(report.clone());
    let target = |id: &str| format!("/internal/heartbeat/{id}");
    server.request("DELETE", &target("nobody"), &[], b"").problem(404, "not_found");
    let left = server.request("DELETE", &target(report.identity.container_id.as_str()), &[], b"");
    assert_eq!(left.status, 204);
    assert_eq!(server.get("/api/replicas", &[]).json()["replicas"], json!([]));
}

#[test]
fn a_frontend_is_told_what_has_changed() {
    let server = Server::start(Role::Backend);
    let upto = server.get("/internal/changes", &[]).json()["upto"].as_i64().unwrap();
    let stored = server.store("a", b"abc");
    let changed = server.get(&format!("/internal/changes?since={upto}"), &[]).json();
    assert_eq!(ids(&changed["news"]["completed"]), [stored["id"].as_str().unwrap()]);
    server.get("/internal/changes?since=yesterday", &[]).problem(400, "bad_query");
}
