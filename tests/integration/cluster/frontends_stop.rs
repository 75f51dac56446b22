//! The second promise: a frontend may die, or stand still, at any moment, and no acknowledged byte is lost.

use super::{MIB, STORES};
use crate::support::api::{Tus, assert_stored};
use crate::support::chaos::{ChaosProxy, Fault, chunks, claims, stats};
use crate::support::client::{Exchange, Url};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::wait::until;
use std::io;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

const CONTENT: Content = Content::new(1, 24 * MIB);
/// What the stopped frontend still has in its sockets: other bytes, so that each one that arrived would show.
const STRAY: Content = Content::new(2, 24 * MIB);

/// An upload that frontend 0 was receiving when it was stopped, with more on the way to it.
struct Interrupted {
    cluster: Cluster,
    upload: Tus,
    first: Option<Exchange>,
    sent: u64,
}

impl Interrupted {
    fn new(store: Store) -> Self {
        let cluster = Cluster::start(store, 2, 2);
        let upload = Tus::create(cluster.at(0), CONTENT.length);
        let mut first = upload.begin(cluster.at(0), 0, CONTENT.length);
        first.write(&CONTENT.bytes(0..6 * MIB)).unwrap();
        until("all that was sent is stored", || (upload.offset(cluster.at(1)) == 6 * MIB).then_some(()));
        cluster.frontends[0].stop();
        // It lies in the kernel's buffers until the frontend wakes up.
        let sent = 6 * MIB + 100_000;
        first.write(&STRAY.bytes(6 * MIB..sent)).unwrap();
        Self { cluster, upload, first: Some(first), sent }
    }

    /// Lets the first frontend go on, with everything its client has to say. It must not call that a success.
    fn wake_the_first(&mut self) {
        self.cluster.frontends[0].resume();
        let mut first = self.first.take().unwrap();
        // The frontend may answer and close before it has read this.
        drop(io::copy(&mut STRAY.reader(self.sent..STRAY.length), &mut first.stream));
        if let Ok(answer) = first.answer() {
            assert!(answer.status >= 400, "{:?}", answer.head);
        }
    }

    /// Requests that changed something at a backend.
    fn changes(&self) -> u64 {
        self.cluster.proxies.iter().map(|proxy| proxy.counts().changes).sum()
    }
}

/// Asks for the offset again and again until `ended` is closed: it never goes back.
fn watch(at: &Url, upload: &Tus, ended: &Receiver<()>) -> u64 {
    let mut last = 0;
    while ended.try_recv() == Err(TryRecvError::Empty) {
        let offset = upload.offset(at);
        assert!(offset >= last, "from {last} back to {offset}");
        last = offset;
    }
    last
}

#[test]
fn an_upload_taken_over_to_its_end_is_not_touched_by_the_first_frontend() {
    for store in STORES {
        let mut interrupted = Interrupted::new(store);
        let second = interrupted.cluster.at(1).clone();
        let (end, ended) = mpsc::channel();
        let watching = thread::spawn({
            let (second, upload) = (second.clone(), interrupted.upload.clone());
            move || watch(&second, &upload, &ended)
        });
        interrupted.upload.finish(&second, CONTENT);
        interrupted.wake_the_first();
        drop(end);
        assert!(watching.join().unwrap() >= 6 * MIB);
        assert_stored(&second, interrupted.upload.id(), CONTENT);
    }
}

#[test]
fn an_upload_that_another_frontend_has_only_begun_to_append_to_is_closed_to_the_first() {
    for store in STORES {
        let mut interrupted = Interrupted::new(store);
        let second = interrupted.cluster.at(1).clone();
        let offset = interrupted.upload.offset(&second);
        let before = interrupted.changes();
        let mut exchange = interrupted.upload.begin(&second, offset, CONTENT.length - offset);
        until("the second frontend has claimed the upload", || {
            (interrupted.changes() > before).then_some(())
        });
        interrupted.wake_the_first();
        assert_eq!(interrupted.upload.offset(&second), offset, "{store:?}: nothing of the first arrived");
        io::copy(&mut CONTENT.reader(offset..CONTENT.length), &mut exchange.stream).unwrap();
        exchange.answer().unwrap().expect(204);
        assert_stored(&second, interrupted.upload.id(), CONTENT);
    }
}

#[test]
fn an_upload_goes_on_at_another_frontend_when_the_first_is_killed() {
    let mut interrupted = Interrupted::new(STORES[0]);
    interrupted.cluster.frontends[0].kill();
    let second = interrupted.cluster.at(1).clone();
    assert_eq!(interrupted.upload.offset(&second), 6 * MIB);
    interrupted.upload.finish(&second, CONTENT);
    assert_stored(&second, interrupted.upload.id(), CONTENT);
}

/// The first frontend's chunk is stored, its answer lost. While that frontend asks what became of it another one takes the
/// upload over: what it is told then holds an epoch that is not its own.
#[test]
fn a_frontend_never_writes_in_an_epoch_that_it_did_not_take() {
    for store in STORES {
        let cluster = Cluster::start(store, 2, 2);
        let upload = Tus::create(cluster.at(0), CONTENT.length);
        let (first, second) = (cluster.at(0), cluster.at(1));
        let mut exchange = upload.begin(first, 0, CONTENT.length);
        exchange.write(&CONTENT.bytes(0..MIB)).unwrap();
        until("the first bytes are stored", || (upload.offset(second) == MIB).then_some(()));
        cluster.each_proxy(|proxy| {
            proxy.inject(1, stats, Fault::HoldHead);
            proxy.inject(1, chunks, Fault::CutAnswer { after: 0 });
        });
        // Two of each, because the chunk is sent to one backend and then to the other. Each loses its answer once.
        exchange.write(&CONTENT.bytes(MIB..2 * MIB)).unwrap();
        let held = until("the first frontend asks what became of its chunk", || {
            cluster.proxies.iter().position(|proxy| proxy.counts().held > 0)
        });
        let free = &cluster.proxies[1 - held];
        free.release();
        upload.append(second, CONTENT, 2 * MIB..3 * MIB).unwrap().expect(204);
        // It may be sent ahead, and counts nowhere.
        exchange.write(&STRAY.bytes(2 * MIB..4 * MIB)).unwrap();
        cluster.each_proxy(ChaosProxy::release);
        drop(io::copy(&mut STRAY.reader(4 * MIB..STRAY.length), &mut exchange.stream));
        if let Ok(answer) = exchange.answer() {
            answer.expect(409);
        }
        assert_eq!(upload.offset(second), 3 * MIB, "{store:?}: nothing of the first arrived");
        upload.finish(second, CONTENT);
        assert_stored(second, upload.id(), CONTENT);
    }
}

/// A claim lies in a backend that stands still, the frontend claims through another one, and the first claim comes late.
#[test]
fn a_claim_that_comes_late_does_not_fence_the_request_it_was_made_for() {
    let cluster = Cluster::start(Store::Postgres, 2, 1);
    let upload = Tus::create(cluster.at(0), CONTENT.length);
    cluster.each_proxy(|proxy| proxy.inject(1, claims, Fault::HoldHead));
    let mut exchange = upload.begin(cluster.at(0), 0, CONTENT.length);
    let held =
        until("the claim is held", || cluster.proxies.iter().position(|proxy| proxy.counts().held > 0));
    let (late, free) = (&cluster.proxies[held], &cluster.proxies[1 - held]);
    let before = (late.counts().changes, free.counts().changes);
    free.release();
    free.wait_until("the upload is claimed elsewhere", |counts| counts.changes > before.1);
    late.release();
    late.wait_until("the late claim is answered", |counts| counts.changes > before.0);
    io::copy(&mut CONTENT.reader(0..CONTENT.length), &mut exchange.stream).unwrap();
    exchange.answer().unwrap().expect(204);
    assert_stored(cluster.at(0), upload.id(), CONTENT);
}
