//! The third promise: a replica that is told to end fails no request that ends within the grace.

use super::MIB;
use crate::support::api::{Tus, assert_stored, number, put, record, text};
use crate::support::chaos::{ChaosProxy, Fault, chunks};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::wait::until;
use std::thread;

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
