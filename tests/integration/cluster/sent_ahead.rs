//! Chunks that are sent while the one before them is still being stored. It saves time, and nobody may notice it otherwise.

use super::backends_die::UNCLEAR;
use super::{MIB, STORES};
use crate::support::api::{assert_stored, backends_of, put, record, text};
use crate::support::chaos::{ChaosProxy, Fault, chunks};
use crate::support::cluster::Cluster;
use crate::support::content::Content;
use crate::support::wire::Head;
use serde_json::Value;
use std::collections::HashSet;
use std::thread::{self, JoinHandle};

/// An upload's first chunk, which comes with its creation.
fn first(head: &Head) -> bool {
    chunks(head) && head.method() == "POST"
}

/// A later one. The second and the third are sent while the first is under way.
fn later(head: &Head) -> bool {
    chunks(head) && head.method() == "PATCH"
}

type Applies = fn(&Head) -> bool;

/// `faults` meet the chunks of an upload, each wherever they go. Returns when all have taken effect at one backend, and which.
fn begin(cluster: &Cluster, content: Content, faults: &[(Applies, Fault)]) -> (JoinHandle<Value>, usize) {
    cluster.each_proxy(|proxy| {
        for (applies, fault) in faults {
            proxy.inject(1, *applies, *fault);
        }
    });
    let at = cluster.at(0).clone();
    let uploading = thread::spawn(move || put(&at, "a%20file", content));
    let hit = cluster.faulted(&uploading);
    cluster.proxies[hit].wait_until("all faults", |counts| counts.faults == faults.len() as u64);
    // Else one has met a chunk that was sent once more, and they were not under way together.
    let everywhere: u64 = cluster.proxies.iter().map(|proxy| proxy.counts().faults).sum();
    assert_eq!(everywhere, faults.len() as u64, "each fault met a chunk that was sent once");
    (uploading, hit)
}

fn finish(cluster: &Cluster, content: Content, uploading: JoinHandle<Value>) -> Value {
    let uploaded = uploading.join().unwrap();
    assert_eq!(text(&uploaded, "sha256"), content.sha256());
    let id = text(&uploaded, "id");
    assert_stored(cluster.at(0), id, content);
    record(cluster.at(0), id)
}

#[test]
fn a_chunk_is_sent_while_the_one_before_it_is_still_being_stored() {
    for store in STORES {
        let cluster = Cluster::start(store, 3, 1);
        // Two chunks, and no more, which might come in another order.
        let content = Content::new(1, 8 * MIB);
        let faults: [(Applies, Fault); 2] =
            [(first, Fault::HoldRequest { after: 100_000 }), (later, Fault::HoldHead)];
        let (uploading, _) = begin(&cluster, content, &faults);
        cluster.each_proxy(ChaosProxy::release);
        finish(&cluster, content, uploading);
        let in_vain: u64 = cluster.proxies.iter().map(|proxy| proxy.counts().bytes_in_vain).sum();
        assert_eq!(in_vain, 0, "{store:?}: what is sent ahead is taken");
    }
}

#[test]
fn a_chunk_that_arrives_before_the_one_that_it_follows_is_sent_again() {
    for store in STORES {
        let cluster = Cluster::start(store, 2, 1);
        let content = Content::new(1, 24 * MIB);
        let (uploading, hit) = begin(&cluster, content, &[(first, Fault::HoldHead)]);
        cluster.proxies[hit].wait_until("what was sent ahead is refused", |counts| counts.bytes_in_vain > 0);
        cluster.each_proxy(ChaosProxy::release);
        finish(&cluster, content, uploading);
    }
}

#[test]
fn a_chunk_sent_ahead_that_is_cut_or_whose_answer_is_lost_is_stored_exactly_once() {
    for store in STORES {
        let cluster = Cluster::start(store, 3, 1);
        for (seed, fault) in (0..).zip(UNCLEAR) {
            let content = Content::new(seed, 24 * MIB + seed);
            let (uploading, _) = begin(&cluster, content, &[(first, Fault::HoldAnswer), (later, fault)]);
            cluster.each_proxy(ChaosProxy::release);
            finish(&cluster, content, uploading);
        }
    }
}

#[test]
fn a_backend_killed_with_three_chunks_under_way_is_not_noticed() {
    const PART: Fault = Fault::HoldRequest { after: 100_000 };
    for store in STORES {
        for [held_first, second, third] in [
            [PART, Fault::HoldHead, Fault::HoldHead],
            [Fault::HoldAnswer, PART, Fault::HoldHead],
            [Fault::HoldAnswer, Fault::HoldAnswer, PART],
            [Fault::HoldAnswer; 3],
        ] {
            let mut cluster = Cluster::start(store, 3, 1);
            let content = Content::new(1, 24 * MIB);
            let faults: [(Applies, Fault); 3] = [(first, held_first), (later, second), (later, third)];
            let (uploading, hit) = begin(&cluster, content, &faults);
            cluster.backends[hit].kill();
            cluster.proxies[hit].refuse();
            cluster.each_proxy(ChaosProxy::release);
            finish(&cluster, content, uploading);
        }
    }
}

/// Chunks are sent ahead to one backend, but not for ever.
#[test]
fn a_large_upload_is_shared_by_the_backends() {
    let cluster = Cluster::start(STORES[1], 4, 1);
    let content = Content::new(1, 200 * MIB);
    let at = cluster.at(0).clone();
    let record = finish(&cluster, content, thread::spawn(move || put(&at, "a%20file", content)));
    let backends: HashSet<_> = backends_of(&record).into_iter().collect();
    assert!(backends.len() > 2, "{backends:?}");
}
