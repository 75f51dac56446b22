//! A client that was cut off asks at once where to go on, and asks another frontend than the one that has its bytes.

use super::{MIB, STORES};
use crate::support::api::{Tus, assert_stored, tus};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::wait::until;
use std::time::{Duration, Instant};

const CONTENT: Content = Content::new(1, 40 * MIB);
/// How long a request may wait for another one that may be dead. Who has waited so long is told what is stored by then.
const SETTLING: Duration = Duration::from_millis(500);

/// The ends of the pieces that arrive before the connection is cut: within the first chunk, at its end, and some chunks later.
fn ends() -> Vec<u64> {
    let mut random = fastrand::Rng::with_seed(1);
    let (mut ends, mut end) = (Vec::new(), 0);
    while end < CONTENT.length {
        let most = [1000, 100_000, MIB, 3 * MIB][random.usize(..4)];
        let piece = if random.bool() { most } else { random.u64(1..=most) };
        end = CONTENT.length.min(end + piece);
        ends.push(end);
    }
    ends
}

#[test]
fn who_is_cut_off_is_told_at_another_frontend_of_all_that_was_received() {
    for store in STORES {
        let cluster = Cluster::start(store, 2, 2);
        let upload = Tus::create(cluster.at(0), CONTENT.length);
        let (mut offset, mut in_time) = (0, 0);
        for (number, end) in ends().into_iter().enumerate() {
            let (here, there) = (cluster.at(number % 2), cluster.at((number + 1) % 2));
            let mut exchange = upload.begin(here, offset, CONTENT.length - offset);
            // Nobody can know of a request that has not come so far.
            until("the upload is claimed", || (epoch(&cluster) == number as i64 + 2).then_some(()));
            exchange.write(&CONTENT.bytes(offset..end)).unwrap();
            // In good order: what was sent arrives, and then no more.
            drop(exchange);
            let asked = Instant::now();
            let told = upload.offset(there);
            if asked.elapsed() < SETTLING {
                assert_eq!(told, end, "{store:?}, request {number}");
                in_time += 1;
            }
            until("what was received is stored", || (upload.offset(there) == end).then_some(()));
            offset = end;
        }
        assert!(in_time > 0, "nobody was told in time");
        assert_stored(cluster.at(0), upload.id(), CONTENT);
    }
}

fn epoch(cluster: &Cluster) -> i64 {
    cluster.database().number("SELECT epoch FROM uploads")
}

/// Otherwise who asks next would wait for it.
#[test]
fn a_request_that_ends_with_nothing_left_to_store_says_so_all_the_same() {
    let cluster = Cluster::start(Store::Postgres, 2, 1);
    let (at, database) = (cluster.at(0), cluster.database());
    let written = || database.number("SELECT count(*) FROM uploads WHERE writer_seen_at IS NOT NULL");
    let stored = || database.number("SELECT coalesce(sum(offset_bytes), 0)::bigint FROM uploads");
    let upload = Tus::create(at, CONTENT.length);
    let mut exchange = upload.begin(at, 0, CONTENT.length);
    exchange.write(&CONTENT.bytes(0..1000)).unwrap();
    until("what was sent is stored", || (stored() == 1000).then_some(()));
    assert_eq!(written(), 1, "more may come");
    drop(exchange);
    until("the request has said that it is over", || (written() == 0).then_some(()));

    let wrong = tus(at, "PATCH", &upload.path).header("Content-Type", "application/offset+octet-stream");
    let wrong = wrong.header("Upload-Offset", 1000).header("Upload-Checksum", "md5 AAAAAAAAAAAAAAAAAAAAAA==");
    wrong.send_body(&CONTENT.bytes(1000..2000)).expect(460);
    assert_eq!((stored(), written()), (1000, 0));
}
