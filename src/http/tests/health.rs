use crate::http::testing::Server;
use crate::replica::{Identity, Phase, Replica, Role};

fn server() -> Server {
    Server::start(Role::Backend)
}

#[test]
fn healthz_asks_nobody() {
    let server = server();
    *server.state.unready.lock().unwrap() = Some("the database does not answer".into());
    assert_eq!(server.get("/healthz", &[]).status, 200);
    assert_eq!(*server.state.asked.lock().unwrap(), 0);
}

#[test]
fn readyz_is_asked_anew_each_time() {
    let server = server();
    assert_eq!(server.get("/readyz", &[]).status, 200);
    *server.state.unready.lock().unwrap() = Some("the database does not answer".into());
    let problem = server.get("/readyz", &[]).problem(503, "not_ready");
    assert_eq!(problem["detail"], "the database does not answer");
    *server.state.unready.lock().unwrap() = None;
    assert_eq!(server.get("/readyz", &[]).status, 200);
}

#[test]
fn startupz_is_503_until_the_replica_was_once_ready() {
    let server = server();
    *server.state.unready.lock().unwrap() = Some("the database does not answer".into());
    server.get("/startupz", &[]).problem(503, "not_ready");
    *server.state.unready.lock().unwrap() = None;
    assert_eq!(server.get("/startupz", &[]).status, 200);
    assert_eq!(server.replica.phase(), Phase::Ready);
    *server.state.unready.lock().unwrap() = Some("the database does not answer".into());
    assert_eq!(server.get("/startupz", &[]).status, 200);
}

#[test]
fn a_draining_replica_is_alive_and_not_ready_and_closes_its_connections() {
    let server = server();
    server.get("/readyz", &[]);
    server.replica.drain();
    server.get("/readyz", &[]).problem(503, "not_ready");
    for target in ["/healthz", "/startupz", "/version"] {
        let answer = server.get(target, &[]);
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{target}");
    }
    assert_eq!(server.replica.phase(), Phase::Draining);
}

#[test]
fn version_says_what_runs() {
    let version = server().get("/version", &[]).json();
    assert_eq!((&version["name"], &version["role"]), (&"swarm-upload".into(), &"backend".into()));
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn metrics_count_requests_by_their_route() {
    crate::telemetry::metrics::install();
    let server = server();
    let id = crate::domain::UploadId::mint();
    server.get(&format!("/api/uploads/{id}"), &[]);
    let text = server.get("/metrics", &[]).text();
    let route = "route=\"/api/uploads/{id}\",status=\"404\"";
    assert!(text.contains(route), "{text}");
    assert!(!text.contains(&id.to_string()));
}

#[test]
fn replicas_that_report_themselves_are_listed() {
    let server = server();
    let report = Replica::new(Role::Frontend, Identity::invented()).report();
    let body = serde_json::to_vec(&report).unwrap();
    let json = [("Content-Type", "application/json")];
    assert_eq!(server.request("POST", "/internal/heartbeat", &json, &body).status, 204);
    let listed = server.get("/api/replicas", &[]).json();
    assert_eq!(listed["replicas"][0]["container_id"], report.identity.container_id.as_str());
    assert_eq!(listed["replicas"][0]["state"], "starting");
    server.request("POST", "/internal/heartbeat", &json, b"{}").problem(400, "bad_body");
}
