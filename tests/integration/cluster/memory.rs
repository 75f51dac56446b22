//! Memory is bounded by configuration, not by the size of what goes through.

use super::{MIB, STORES};
use crate::support::api::{assert_stored, put, text};
use crate::support::cluster::Cluster;
use crate::support::content::Content;

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
