//! The third promise: a replica that is told to end fails no request that ends within the grace.

use super::MIB;
use super::in_flight::InFlight;
use super::load::Load;
use crate::support::api::{Tus, assert_stored, number, put, record, text};
use crate::support::chaos::{ChaosProxy, Fault, chunks};
use crate::support::client::{Exchange, Url};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::process::Process;
use crate::support::wait::until;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_backend_told_to_end_finishes_its_chunk_and_the_upload_goes_on_elsewhere() {
    let mut cluster = Cluster::start(Store::Postgres, 3, 1);
    let content = Content::new(1, 32 * MIB);
    cluster.each_proxy(|proxy| proxy.inject(1, chunks, Fault::HoldRequest { after: 100_000 }));
    let at = cluster.at(0).clone();
    let uploading = thread::spawn(move || put(&at, "a%20file", content));
    let hit = cluster.faulted(&uploading);
    cluster.backends[hit].terminate();
    until("the backend is draining", || {
        (cluster.backends[hit].url.get("/readyz").send().status == 503).then_some(())
    });
    cluster.each_proxy(ChaosProxy::release);
    let id = text(&uploading.join().unwrap(), "id").to_owned();
    assert_stored(cluster.at(0), &id, content);
    assert_eq!(cluster.backends[hit].wait_for_exit().code(), Some(0));
}

#[test]
fn a_frontend_told_to_end_carries_a_put_to_its_end() {
    let mut cluster = Cluster::start(Store::Postgres, 2, 2);
    let content = Content::new(2, 16 * MIB);
    let request = cluster.at(0).request("PUT", "/api/uploads/a").header("Content-Length", content.length);
    let mut exchange = request.begin().unwrap();
    exchange.write(&content.bytes(0..4 * MIB)).unwrap();
    cluster.frontends[0].terminate();
    until("the frontend is draining", || (cluster.at(0).get("/readyz").send().status == 503).then_some(()));
    exchange.write(&content.bytes(4 * MIB..16 * MIB)).unwrap();
    let answer = exchange.answer().unwrap().expect(201).json();
    assert_stored(cluster.at(1), text(&answer["uploads"][0], "id"), content);
    assert_eq!(cluster.frontends[0].wait_for_exit().code(), Some(0));
}

#[test]
fn a_frontend_told_to_end_stops_a_tus_upload_at_a_committed_chunk() {
    let mut cluster = Cluster::start(Store::Postgres, 2, 2);
    let content = Content::new(3, 24 * MIB);
    let upload = Tus::create(cluster.at(0), content.length);
    let mut exchange = upload.begin(cluster.at(0), 0, content.length);
    exchange.write(&content.bytes(0..6 * MIB)).unwrap();
    until("all that was sent is stored", || (upload.offset(cluster.at(1)) == 6 * MIB).then_some(()));
    cluster.frontends[0].terminate();
    let answer = exchange.answer().unwrap().expect(503);
    assert!(answer.head.field("Retry-After").is_some(), "{:?}", answer.head);
    assert_eq!(number(&record(cluster.at(1), upload.id()), "received_bytes"), 6 * MIB);
    upload.finish(cluster.at(1), content);
    assert_stored(cluster.at(1), upload.id(), content);
    assert_eq!(cluster.frontends[0].wait_for_exit().code(), Some(0));
}

#[test]
fn a_replica_told_to_end_says_so_on_each_answer_and_still_accepts() {
    let mut cluster = Cluster::start(Store::Postgres, 2, 2);
    for process in [&mut cluster.backends[0], &mut cluster.frontends[0]] {
        let closing = |path: &str| {
            let answer = process.url.get(path).send().expect(200);
            answer.head.field("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
        };
        assert!(!closing("/healthz"));
        process.terminate();
        process.wait_until_not_ready();
        for path in ["/healthz", "/startupz", "/api/backend-info/", "/api/uploads"] {
            assert!(closing(path), "{path} at {}", process.name());
        }
        let content = Content::new(4, 2 * MIB);
        let id = text(&put(&process.url, "late", content), "id").to_owned();
        assert_stored(&process.url, &id, content);
        process.wait_until_closed();
        assert_eq!(process.wait_for_exit().code(), Some(0));
    }
}

#[test]
fn no_request_fails_while_a_backend_goes() {
    let mut cluster = Cluster::start(Store::Postgres, 3, 1);
    let load = Load::on(cluster.at(0));
    let in_flight = InFlight::begin(cluster.at(0));
    cluster.backends[0].terminate();
    cluster.backends[0].wait_until_not_ready();
    load.wait_for_more();
    assert_eq!(cluster.backends[0].wait_for_exit().code(), Some(0));
    load.wait_for_more();
    load.end();
    in_flight.finish(Some(cluster.at(0)));
}

/// As behind a balancer, which sends a replica requests until it has seen that it is not ready.
#[test]
fn no_request_fails_while_a_frontend_goes() {
    let mut cluster = Cluster::start(Store::Postgres, 2, 2);
    let load = Load::on(cluster.at(0));
    let in_flight = InFlight::begin(cluster.at(0));
    cluster.frontends[0].terminate();
    cluster.frontends[0].wait_until_not_ready();
    load.wait_for_more();
    load.go_to(cluster.at(1));
    cluster.frontends[0].wait_until_closed();
    load.wait_for_more();
    load.end();
    in_flight.finish(Some(cluster.at(1)));
    assert_eq!(cluster.frontends[0].wait_for_exit().code(), Some(0));
}

#[test]
fn a_whole_service_told_to_end_finishes_what_it_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Process::start("standalone", ["--data-dir", folder.path().to_str().unwrap()]);
    service.wait_until_ready();
    let in_flight = InFlight::begin(&service.url);
    service.terminate();
    service.wait_until_closed();
    in_flight.finish(None);
    assert_eq!(service.wait_for_exit().code(), Some(0));
}

/// A PUT that will not end.
fn unending(process: &Process) -> Exchange {
    let request = process.url.request("PUT", "/api/uploads/a").header("Content-Length", 10 * MIB);
    let mut exchange = request.begin().unwrap();
    exchange.write(&Content::new(5, MIB).all()).unwrap();
    exchange
}

const GRACE: Duration = Duration::from_secs(2);
const WITH_GRACE: &[&str] = &["--shutdown-grace", "2s"];

/// A frontend and a backend of a cluster, and a service that is both.
fn with_each_role(check: impl Fn(&mut Process)) {
    let mut cluster = Cluster::start_with(Store::Postgres, 2, 1, WITH_GRACE);
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data-dir", folder.path().to_str().unwrap()];
    let mut standalone = Process::start("standalone", data.iter().chain(WITH_GRACE));
    standalone.wait_until_ready();
    check(&mut cluster.frontends[0]);
    check(&mut cluster.backends[0]);
    check(&mut standalone);
}

#[test]
fn what_goes_on_past_the_grace_is_cut_off_and_the_end_is_good() {
    with_each_role(|process| {
        let exchange = unending(process);
        let told = Instant::now();
        process.terminate();
        assert_eq!(process.wait_for_exit().code(), Some(0), "{}", process.name());
        let took = told.elapsed();
        // Waited for as long as it may take, and not twice as long.
        assert!((GRACE..2 * GRACE).contains(&took), "{}: {took:?}", process.name());
        assert!(exchange.answer().map_or(true, |answer| answer.status >= 400), "{}", process.name());
    });
}

#[test]
fn a_second_signal_ends_at_once() {
    with_each_role(|process| {
        let _exchange = unending(process);
        process.terminate();
        until("the first signal was heard", || process.logged("told to stop").first().cloned());
        let told = Instant::now();
        process.terminate();
        assert_eq!(process.wait_for_exit().code(), Some(1), "{}", process.name());
        assert!(told.elapsed() < GRACE / 2, "{}: {:?}", process.name(), told.elapsed());
    });
}

fn names_at(at: &Url) -> Vec<String> {
    let list = at.get("/api/uploads?state=all").send().expect(200).json();
    list["uploads"].as_array().unwrap().iter().map(|upload| text(upload, "filename").to_owned()).collect()
}

/// The frontend alone knows that what it was receiving is not to stay.
#[test]
fn a_put_that_is_cut_off_by_the_end_of_its_frontend_leaves_nothing() {
    let mut cluster = Cluster::start_with(Store::Postgres, 2, 2, WITH_GRACE);
    let _exchange = unending(&cluster.frontends[0]);
    let other = cluster.at(1).clone();
    until("its first bytes are stored", || (names_at(&other) == ["a"]).then_some(()));
    cluster.frontends[0].terminate();
    assert_eq!(cluster.frontends[0].wait_for_exit().code(), Some(0));
    assert_eq!(names_at(&other), [""; 0]);
}

#[test]
fn a_put_that_is_cut_off_by_the_end_of_a_whole_service_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data-dir", folder.path().to_str().unwrap()];
    let mut service = Process::start("standalone", data.iter().chain(WITH_GRACE));
    service.wait_until_ready();
    let _exchange = unending(&service);
    until("its first bytes are stored", || (names_at(&service.url) == ["a"]).then_some(()));
    service.terminate();
    assert_eq!(service.wait_for_exit().code(), Some(0));
    let again = Process::start("standalone", data);
    again.wait_until_ready();
    assert_eq!(names_at(&again.url), [""; 0]);
}
