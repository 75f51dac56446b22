//! Memory is bounded by configuration, not by the size of what goes through.

use super::{MIB, STORES};
use crate::support::api::{assert_stored, put, text};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::wait::until;
use std::thread;

/// A file of a gibibyte needs no more; this is enough to tell.
const LENGTH: u64 = 256 * MIB;
const LIMIT: u64 = 100 * MIB;
/// So many uploads of a mebibyte at once, and what they may take: the budget twice, for what buffers have to spare, and
/// 128 KiB for each.
const WAITING: u64 = 128;
const WAITING_LIMIT: u64 = 2 * 4 * MIB + WAITING * (128 << 10);

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

/// While no backend answers all but the first few wait for room; what they send stays with them and in the kernel.
#[test]
fn many_who_wait_for_room_cost_next_to_nothing() {
    let cluster = Cluster::start_with(Store::Local, 1, 1, &["--memory-budget", "4MiB"]);
    let idle = cluster.frontends[0].peak_memory();
    cluster.backends[0].stop();
    let uploading: Vec<_> = (0..WAITING)
        .map(|number| {
            let at = cluster.at(0).clone();
            thread::spawn(move || put(&at, "one-of-many", Content::new(number, MIB)))
        })
        .collect();
    until("all of them wait", || {
        let metrics = cluster.at(0).get("/metrics").send().expect(200);
        let all = format!("requests_in_flight{{role=\"frontend\"}} {WAITING}\n");
        metrics.text().contains(&all).then_some(())
    });
    cluster.backends[0].resume();
    uploading.into_iter().for_each(|upload| drop(upload.join().unwrap()));
    let more = cluster.frontends[0].peak_memory() - idle;
    assert!(more < WAITING_LIMIT, "{} KiB", more >> 10);
}
