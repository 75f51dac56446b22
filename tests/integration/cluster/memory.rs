//! Memory is bounded by configuration, not by the size of what goes through.

use super::{MIB, STORES};
use crate::support::api::{assert_stored, put, text};
use crate::support::chaos::{ALWAYS, ChaosProxy, Fault, chunks};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::wait::until;
use std::thread;

/// A file of a gibibyte needs no more; this is enough to tell.
const LENGTH: u64 = 256 * MIB;
const LIMIT: u64 = 100 * MIB;

#[test]
fn no_replica_holds_a_large_file_in_memory() {
    for store in STORES {
        let cluster = Cluster::start(store, 2, 1);
        let content = Content::new(1, LENGTH);
        let id = text(&put(cluster.at(0), "large", content), "id").to_owned();
        assert_stored(cluster.at(0), &id, content);
        for process in cluster.frontends.iter().chain(&cluster.backends) {
            let peak = process.peak_memory();
            assert!(peak < LIMIT, "{} at {} had {} MiB", process.name(), process.url.0, peak / MIB);
        }
    }
}

/// Most of them wait for room. Where all was read that they send, and much of it before anybody had asked, the frontend had more
/// than 500 KiB for each.
#[test]
fn many_clients_that_send_at_once_are_held_back() {
    const CLIENTS: u64 = 300;
    /// The program, the budget, and what its heaps have to spare.
    const LIMIT: u64 = (30 + 24 + 30) * MIB + CLIENTS * (128 << 10);
    let cluster = Cluster::start(Store::Local, 2, 1);
    cluster.each_proxy(|proxy| proxy.inject(ALWAYS, chunks, Fault::HoldHead));
    let all_send = || {
        let metrics = cluster.at(0).get("/metrics").send().expect(200);
        metrics.text().contains(&format!("requests_in_flight{{role=\"frontend\"}} {CLIENTS}")).then_some(())
    };
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let at = cluster.at(0);
            scope.spawn(move || put(at, "one%20of%20many", Content::new(number, 2 * MIB)));
        }
        until("all of them send", all_send);
        cluster.each_proxy(ChaosProxy::release);
    });
    let peak = cluster.frontends[0].peak_memory();
    assert!(peak < LIMIT, "{} MiB, and {} are allowed", peak / MIB, LIMIT / MIB);
}
