use super::{MIB, STORES};
use crate::support::api::{FOR_THREE_BACKENDS, assert_stored, backends_of, put, record, text};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::process::Process;
use std::collections::BTreeSet;

#[test]
fn what_goes_in_through_one_frontend_comes_out_of_another() {
    for store in STORES {
        let cluster = Cluster::start(store, 3, 2);
        let content = Content::new(1, FOR_THREE_BACKENDS + 5);
        let id = text(&put(cluster.at(0), "a%20file", content), "id").to_owned();
        assert_stored(cluster.at(1), &id, content);
        let stored_by: BTreeSet<String> = backends_of(&record(cluster.at(1), &id)).into_iter().collect();
        let all: BTreeSet<String> = (0..3).map(|number| cluster.id_of(number)).collect();
        assert_eq!(stored_by, all, "{store:?}");
    }
}

#[test]
fn a_client_may_talk_to_a_backend_directly() {
    let cluster = Cluster::start(Store::Postgres, 2, 0);
    let content = Content::new(2, 20 * MIB);
    let id = text(&put(&cluster.backends[0].url, "a%20file", content), "id").to_owned();
    assert_stored(&cluster.backends[1].url, &id, content);
}

#[test]
fn every_live_replica_is_listed_whoever_is_asked() {
    let cluster = Cluster::start(Store::Postgres, 2, 2);
    for frontend in &cluster.frontends {
        crate::support::wait::until("two frontends and two backends are listed", || {
            let answer = frontend.url.get("/api/replicas").send().expect(200).json();
            let list = answer["replicas"].as_array().unwrap();
            let count = |role| list.iter().filter(|replica| replica["role"] == role).count();
            ((count("frontend"), count("backend")) == (2, 2)).then_some(())
        });
    }
}

#[test]
fn eight_backends_that_meet_on_an_empty_database_all_get_ready() {
    let cluster = Cluster::start(Store::Postgres, 0, 0);
    let launched: Vec<_> = (0..8).map(|number| cluster.launch_backend(number)).collect();
    let backends: Vec<_> = launched.into_iter().map(Process::greeted).collect();
    for backend in &backends {
        backend.wait_until_ready();
    }
    put(&backends[7].url, "a", Content::new(3, 10));
}
