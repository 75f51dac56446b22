//! One file sent as several uploads at once, over whatever replicas, and what becomes of it when one dies.

use super::{MIB, STORES};
use crate::support::api::{Tus, assert_stored, backends_of, content_path, record, tus};
use crate::support::client::Url;
use crate::support::cluster::{Cluster, Store};
use crate::support::content::{Content, Sum};
use crate::support::postgres::Database;
use crate::support::wait::until;
use std::collections::BTreeSet;
use std::ops::Range;
use std::thread;

fn part(at: &Url, length: u64) -> Tus {
    let request =
        tus(at, "POST", "/files/").header("Upload-Concat", "partial").header("Upload-Length", length);
    Tus { path: request.send_body(b"").expect(201).field("Location").to_owned() }
}

fn join(at: &Url, parts: &[Tus]) -> Tus {
    let urls: Vec<String> = parts.iter().map(|part| at.at(&part.path)).collect();
    let request = tus(at, "POST", "/files/").header("Upload-Concat", format!("final;{}", urls.join(" ")));
    Tus { path: request.send_body(b"").expect(201).field("Location").to_owned() }
}

fn send(at: &Url, part: &Tus, content: Content, range: Range<u64>) {
    let request = tus(at, "PATCH", &part.path).header("Content-Type", "application/offset+octet-stream");
    let answer =
        request.header("Upload-Offset", 0).try_send_body(range.end - range.start, content.reader(range));
    answer.unwrap().expect(204);
}

fn offset(at: &Url, upload: &Tus) -> Option<u64> {
    let answer = tus(at, "HEAD", &upload.path).send().expect(200);
    answer.head.field("Upload-Offset").map(|offset| offset.parse().unwrap())
}

fn has_digest(at: &Url, upload: &Tus) -> bool {
    record(at, upload.id())["sha256"].is_string()
}

/// The final upload is asked for before, between and after its parts.
#[test]
fn parts_sent_in_parallel_over_all_replicas_become_one_file_that_stays_without_them() {
    for store in STORES {
        let cluster = Cluster::start(store, 3, 2);
        let content = Content::new(7, 24 * MIB + 5);
        let (share, count) = (6 * MIB, 5);
        let range = |n: u64| n * share..((n + 1) * share).min(content.length);
        let at = |n: u64| cluster.at(n as usize % 2);
        let parts: Vec<Tus> = (0..count).map(|n| part(at(n), range(n).end - range(n).start)).collect();
        let early = join(at(0), &parts);
        thread::scope(|scope| {
            for (n, part) in (0..).zip(&parts) {
                // Through the other frontend than the one that created it.
                scope.spawn(move || send(at(n + 1), part, content, range(n)));
            }
        });
        let late = join(at(1), &parts);
        for joined in [&early, &late] {
            assert_eq!(offset(at(0), joined), Some(content.length));
            let sent = at(1).get(&content_path(joined.id())).send().expect(200);
            assert_eq!(Sum::of(&sent.body), content.sha256());
            let backends: BTreeSet<String> = backends_of(&record(at(0), joined.id())).into_iter().collect();
            assert!(backends.len() > 1, "{backends:?}");
        }
        for part in &parts {
            tus(at(0), "DELETE", &part.path).send().expect(204);
        }
        tus(at(1), "DELETE", &late.path).send().expect(204);
        until("the digest is known", || has_digest(at(1), &early).then_some(()));
        assert_stored(at(0), early.id(), content);
    }
}

/// A final upload, all parts of which are stored, and that the backend which stored the last byte did not join: it was killed
/// while it waited for the record, which the test holds.
fn left_behind(cluster: &mut Cluster, database: &Database) -> Tus {
    let at = cluster.backends[0].url.clone();
    let (first, last) = (part(&at, 5), part(&at, 1));
    let content = Content::new(1, 5);
    send(&at, &first, content, 0..5);
    let joined = join(&at, &[first, last.clone()]);
    let held = database.hold(&format!("SELECT FROM uploads WHERE id = '{}' FOR UPDATE", joined.id()));
    let other = cluster.backends[1].url.clone();
    thread::scope(|scope| {
        let sending = scope.spawn(|| last.append(&at, content, 0..1));
        until("the last byte is stored", || (offset(&other, &last) == Some(1)).then_some(()));
        cluster.backends[0].kill();
        drop(sending.join().unwrap());
    });
    drop(held);
    joined
}

#[test]
fn a_final_upload_that_a_dead_backend_did_not_join_is_joined_when_it_is_asked_for() {
    let database = Database::create();
    let mut cluster = Cluster::start_over(database.url.clone(), Store::Postgres, 2, 0);
    let joined = left_behind(&mut cluster, &database);
    assert_eq!(offset(&cluster.backends[1].url, &joined), Some(6));
}

/// Lists show uploads as they are.
#[test]
fn a_final_upload_that_a_dead_backend_did_not_join_is_joined_by_the_one_that_sweeps() {
    let database = Database::create();
    let mut cluster = Cluster::start_over(database.url.clone(), Store::Postgres, 2, 0);
    let joined = left_behind(&mut cluster, &database);
    let at = &cluster.backends[1].url;
    until("it is listed", || {
        let listed = at.get("/api/uploads").send().expect(200).json();
        listed["uploads"].as_array().unwrap().iter().any(|upload| upload["id"] == joined.id()).then_some(())
    });
    until("the digest is known", || has_digest(at, &joined).then_some(()));
}
