//! `scripts/test-load-balancing.sh`, run as a person runs it.

use crate::support::client::Url;
use crate::support::cluster::{Cluster, Store};
use crate::support::process::Process;
use crate::support::wait::until;
use serde_json::Value;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// Its exit status, and all that it printed.
fn script(url: &Url, options: &[&str]) -> (Option<i32>, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-load-balancing.sh");
    let mut command = Command::new("bash");
    command.arg(path).args(["--url", &url.0]).args(options).stdin(Stdio::null());
    // A proxy of the machine's is not to be asked for what is on it.
    command.env("no_proxy", "*");
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code(), text)
}

fn standalone(folder: &tempfile::TempDir) -> Process {
    let service = Process::start("standalone", ["--data-dir", folder.path().to_str().unwrap()]);
    service.wait_until_ready();
    service
}

/// The numbers of requests in the table of backends.
fn of_backends(text: &str) -> Vec<u32> {
    let rows = text.lines().skip_while(|line| !line.starts_with("backend ")).skip(1);
    rows.take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().nth(4).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn three_backends_in_turn_are_balanced() {
    let folder = tempfile::tempdir().unwrap();
    let service = standalone(&folder);
    let (status, text) = script(&service.url, &["--requests", "60"]);
    assert_eq!(status, Some(0), "{text}");
    let counts = of_backends(&text);
    assert_eq!((counts.len(), counts.iter().sum::<u32>()), (3, 60), "{text}");
    // Others ask at the same time, so a turn may be one off.
    assert!(counts.iter().all(|count| (18..=22).contains(count)), "{text}");
    assert!(text.contains("\nbalanced: 60 requests in "), "{text}");
}

#[test]
fn a_replica_that_gets_nothing_is_not_balanced_in_a_cluster() {
    let cluster = Cluster::start(Store::Postgres, 2, 2);
    until("both frontends are listed as ready", || {
        let list = cluster.at(0).get("/api/replicas").send().expect(200).json();
        let ready = |replica: &&Value| replica["role"] == "frontend" && replica["state"] == "ready";
        (list["replicas"].as_array().unwrap().iter().filter(ready).count() == 2).then_some(())
    });
    // Whoever asks one frontend, without the edge before both, leaves out the other.
    let (status, text) = script(cluster.at(0), &["--requests", "20"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("\nNOT balanced: 20 requests in "), "{text}");
    assert_eq!(text.matches("got nothing").count(), 2, "in the table and after the verdict: {text}");
}

#[test]
fn too_few_requests_to_judge_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let service = standalone(&folder);
    let (status, text) = script(&service.url, &["--requests", "29"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("at least 30 are needed"), "{text}");
}

#[test]
fn where_nothing_listens_it_says_so() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (status, text) = script(&Url(format!("http://{closed}")), &[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains(&format!("nothing answers at http://{closed}")), "{text}");
    assert!(text.contains("Is the stack up?"), "{text}");
}

#[test]
fn watching_counts_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = standalone(&folder);
    let (status, text) = script(&service.url, &["--watch", "--seconds", "2"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(" 0 failed   frontends: ") && text.ends_with(" requests, 0 failed\n"), "{text}");
    service.kill();
    let (status, text) = script(&service.url, &["--watch", "--seconds", "2"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("frontends: none") && text.contains(" times: curl: (7) "), "{text}");
}
