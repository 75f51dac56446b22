use super::{MIB, STORES};
use crate::support::api::{content_path, put, text};
use crate::support::chaos::{ALWAYS, Fault, contents};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::{Content, Sum};
use crate::support::multipart::parts;
use std::io::{self, Read};

#[test]
fn a_download_cut_short_goes_on_at_the_byte_where_it_stopped() {
    for store in STORES {
        let cluster = Cluster::start(store, 3, 1);
        let content = Content::new(1, 32 * MIB);
        let id = text(&put(cluster.at(0), "a%20file", content), "id").to_owned();
        // An orderly end in the middle is the worst: no error tells that anything is missing.
        cluster.each_proxy(|proxy| proxy.inject(ALWAYS, contents, Fault::CutContent { after: 5 * MIB + 1 }));
        let answer = cluster.at(0).get(&content_path(&id)).send().expect(200);
        assert_eq!(Sum::of(&answer.body), content.sha256(), "{store:?}");
        let faults: u64 = cluster.proxies.iter().map(|proxy| proxy.counts().faults).sum();
        assert_eq!(faults, 7, "{store:?}: seven answers, each but the last cut");
    }
}

#[test]
fn a_download_goes_on_when_the_backend_that_serves_it_is_killed() {
    let mut cluster = Cluster::start(Store::Local, 3, 1);
    let content = Content::new(2, 128 * MIB);
    let id = text(&put(cluster.at(0), "a%20file", content), "id").to_owned();
    let (head, mut body) = cluster.at(0).get(&content_path(&id)).begin().unwrap().open().unwrap();
    let mut sum = Sum::default();
    io::copy(&mut body.by_ref().take(MIB), &mut sum).unwrap();
    // What is unread does not fit into the sockets on the way: the backend is in the middle of it.
    let serving = head.field("X-Backend-Container").unwrap();
    let victim = (0..3).find(|number| cluster.id_of(*number) == serving).unwrap();
    cluster.backends[victim].kill();
    assert_eq!(io::copy(&mut body, &mut sum).unwrap(), content.length - MIB);
    assert_eq!(sum.hex(), content.sha256());
}

#[test]
fn each_of_several_ranges_goes_on_by_itself() {
    let cluster = Cluster::start(Store::Postgres, 3, 1);
    let content = Content::new(3, 16 * MIB);
    let id = text(&put(cluster.at(0), "a%20file", content), "id").to_owned();
    cluster.each_proxy(|proxy| proxy.inject(1, contents, Fault::CutContent { after: 1000 }));
    let ranges = [0..2 * MIB, 8 * MIB..10 * MIB];
    let answer =
        cluster.at(0).get(&content_path(&id)).header("Range", "bytes=0-2097151,8388608-10485759").send();
    let answer = answer.expect(206);
    let found: Vec<Vec<u8>> =
        parts(answer.field("Content-Type"), &answer.body).into_iter().map(|(_, bytes)| bytes).collect();
    assert!(found == ranges.map(|range| content.bytes(range)));
}
