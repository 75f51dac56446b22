//! The first promise: a backend may die at any moment and no client notices.

use super::{MIB, STORES};
use crate::support::api::{assert_stored, backends_of, number, put, record, text};
use crate::support::chaos::{ChaosProxy, Fault, chunks, removals};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::wait::until;
use std::thread;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// After each of these nobody knows what became of a chunk.
pub(super) const UNCLEAR: [Fault; 6] = [
    Fault::CutRequest { after: 0 },
    Fault::CutRequest { after: 300_000 },
    Fault::CutAnswer { after: 0 },
    Fault::CutAnswer { after: 20 },
    Fault::Rubbish,
    Fault::DelayAnswer(Duration::from_millis(1500)),
];

/// Uploads while `fault` hits the first chunk, wherever that goes; `meanwhile` gets the backend that is hit. Then the upload
/// is complete, and identical.
fn upload_through(
    cluster: &mut Cluster,
    content: Content,
    fault: Fault,
    meanwhile: impl FnOnce(&mut Cluster, usize),
) -> String {
    cluster.each_proxy(|proxy| proxy.inject(1, chunks, fault));
    let at = cluster.at(0).clone();
    let uploading = thread::spawn(move || put(&at, "a%20file", content));
    let hit = cluster.faulted(&uploading);
    meanwhile(cluster, hit);
    let uploaded = uploading.join().unwrap();
    assert_eq!(text(&uploaded, "sha256"), content.sha256(), "{fault:?}");
    text(&uploaded, "id").to_owned()
}

fn the_backend_is_killed_in_the_middle_of_a_chunk(store: Store) {
    let mut cluster = Cluster::start(store, 3, 1);
    let content = Content::new(1, 32 * MIB);
    let hold = Fault::HoldRequest { after: 100_000 };
    let mut killed = String::new();
    let id = upload_through(&mut cluster, content, hold, |cluster, hit| {
        killed = cluster.id_of(hit);
        cluster.backends[hit].kill();
        cluster.proxies[hit].refuse();
        cluster.each_proxy(ChaosProxy::release);
    });
    assert!(!backends_of(&record(cluster.at(0), &id)).contains(&killed));
    assert_stored(cluster.at(0), &id, content);
}

#[test]
fn a_backend_killed_in_the_middle_of_a_chunk_is_not_noticed_on_postgres() {
    the_backend_is_killed_in_the_middle_of_a_chunk(Store::Postgres);
}

#[test]
fn a_backend_killed_in_the_middle_of_a_chunk_is_not_noticed_on_a_shared_folder() {
    the_backend_is_killed_in_the_middle_of_a_chunk(Store::Local);
}

#[test]
fn a_chunk_that_is_cut_or_whose_answer_is_lost_is_stored_exactly_once() {
    for store in STORES {
        let mut cluster = Cluster::start(store, 3, 1);
        for (seed, fault) in (0..).zip(UNCLEAR) {
            let content = Content::new(seed, 12 * MIB + seed);
            let id = upload_through(&mut cluster, content, fault, |cluster, _| {
                cluster.each_proxy(ChaosProxy::release);
            });
            assert_stored(cluster.at(0), &id, content);
        }
    }
}

#[test]
fn a_removal_whose_answer_is_lost_has_succeeded() {
    let cluster = Cluster::start(Store::Postgres, 2, 1);
    let content = Content::new(1, 1000);
    let id = text(&put(cluster.at(0), "a%20file", content), "id").to_owned();
    cluster.each_proxy(|proxy| proxy.inject(1, removals, Fault::CutAnswer { after: 0 }));
    let path = format!("/api/uploads/{id}");
    cluster.at(0).request("DELETE", &path).send().expect(204);
    cluster.at(0).get(&path).send().expect(410);
    assert!(cluster.proxies.iter().any(|proxy| proxy.counts().faults > 0));
}

#[test]
fn a_small_file_whose_only_answer_is_lost_is_stored_exactly_once() {
    for store in STORES {
        let mut cluster = Cluster::start(store, 2, 1);
        for (seed, fault) in
            (0..).zip([Fault::CutRequest { after: 10 }, Fault::CutAnswer { after: 0 }, Fault::Rubbish])
        {
            let content = Content::new(seed, 1000 + seed);
            let id = upload_through(&mut cluster, content, fault, |cluster, _| {
                cluster.each_proxy(ChaosProxy::release);
            });
            assert_stored(cluster.at(0), &id, content);
        }
        let list = cluster.at(0).get("/api/uploads?state=all").send().expect(200).json();
        assert_eq!(list["uploads"].as_array().unwrap().len(), 3, "{store:?}: one record for each file");
    }
}

#[test]
fn a_chunk_that_vanishes_in_a_black_hole_is_sent_again_elsewhere() {
    for store in STORES {
        let mut cluster = Cluster::start(store, 3, 1);
        let content = Content::new(1, 24 * MIB);
        let id = upload_through(&mut cluster, content, Fault::BlackHole, |cluster, hit| {
            cluster
                .proxies
                .iter()
                .enumerate()
                .filter(|(number, _)| *number != hit)
                .for_each(|(_, proxy)| proxy.release());
        });
        assert_stored(cluster.at(0), &id, content);
    }
}

/// The chunk waits in the stopped backend's sockets while another one stores it; then the stopped one wakes up and writes.
fn the_backend_stands_still_in_the_middle_of_a_chunk(store: Store) {
    let mut cluster = Cluster::start(store, 3, 1);
    let content = Content::new(1, 24 * MIB);
    let mut stopped = 0;
    let hold = Fault::HoldRequest { after: 100_000 };
    let id = upload_through(&mut cluster, content, hold, |cluster, hit| {
        stopped = hit;
        cluster.backends[hit].stop();
        cluster.each_proxy(ChaosProxy::release);
    });
    assert_stored(cluster.at(0), &id, content);
    let woken = OffsetDateTime::now_utc();
    cluster.backends[stopped].resume();
    until("the woken backend has ended what it was doing", || {
        let report = cluster.report_of(stopped)?;
        let seen = OffsetDateTime::parse(text(&report, "last_seen"), &Rfc3339).unwrap();
        (seen > woken && number(&report, "in_flight") == 0).then_some(())
    });
    assert_stored(cluster.at(0), &id, content);
    assert_stored(&cluster.backends[stopped].url, &id, content);
}

#[test]
fn a_stopped_backend_that_wakes_up_changes_nothing_on_postgres() {
    the_backend_stands_still_in_the_middle_of_a_chunk(Store::Postgres);
}

#[test]
fn a_stopped_backend_that_wakes_up_changes_nothing_on_a_shared_folder() {
    the_backend_stands_still_in_the_middle_of_a_chunk(Store::Local);
}

#[test]
fn an_answer_that_comes_after_the_upload_was_completed_elsewhere_changes_nothing() {
    let mut cluster = Cluster::start(Store::Postgres, 3, 1);
    let content = Content::new(1, 24 * MIB);
    let id = upload_through(&mut cluster, content, Fault::HoldAnswer, |cluster, hit| {
        cluster
            .proxies
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != hit)
            .for_each(|(_, proxy)| proxy.release());
    });
    cluster.each_proxy(ChaosProxy::release);
    assert_stored(cluster.at(0), &id, content);
}

#[test]
fn with_no_backend_at_all_the_client_is_held_until_one_comes_back() {
    let cluster = Cluster::start(Store::Postgres, 2, 1);
    let content = Content::new(1, 4 * MIB);
    cluster.each_proxy(ChaosProxy::refuse);
    let at = cluster.at(0).clone();
    let info = at.get("/frontend-info/").send().expect(200).json();
    assert!(info["backend_container_id"].is_null() && info["backend_error"].is_string(), "{info}");
    let uploading = thread::spawn(move || put(&at, "a%20file", content));
    // Both backends have been asked, in vain, when the frontend says that it is not ready.
    until("the frontend is not ready", || (cluster.at(0).get("/readyz").send().status == 503).then_some(()));
    cluster.each_proxy(ChaosProxy::accept_again);
    let id = text(&uploading.join().unwrap(), "id").to_owned();
    assert_stored(cluster.at(0), &id, content);
}
