use super::*;
use crate::blobs::faulty::At;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use tokio::sync::oneshot;

on_both_stores!(
    a_request_that_is_cancelled_while_it_reads_holds_nothing,
    a_request_that_is_cancelled_while_it_stores_holds_nothing,
    a_chunk_is_held_until_it_is_stored,
    no_more_of_a_relays_chunk_is_read_than_there_is_room_for,
);

/// Every way by which bytes come.
#[derive(Clone, Copy, Debug)]
enum Way {
    Part,
    Whole,
    Chunk,
    Client,
    Relay,
}

/// A body that brings `bytes` and then no more, and says when it was asked for more.
fn stalled(bytes: &[u8]) -> (Body, oneshot::Receiver<()>) {
    let (asked, is_asked) = oneshot::channel();
    let asking = stream::once(async move {
        asked.send(()).ok();
        std::future::pending().await
    });
    (body(bytes).chain(asking).boxed_local(), is_asked)
}

/// Runs `request` until `until`, looks what it holds, and drops it.
async fn cancelled<T>(rig: &Rig, request: impl Future<Output = T>, until: impl Future) -> usize {
    let held = {
        let mut request = pin!(request);
        tokio::select! {
            biased;
            _ = &mut request => panic!("it ended"),
            _ = until => {}
        }
        BUDGET as usize - rig.budget.free()
    };
    rig.check_budget();
    held
}

async fn a_request_that_is_cancelled_while_it_reads_holds_nothing(rig: &Rig) {
    let bytes = sample(1, 100_000);
    let upload = rig.begun(b"12345").await;
    let count = 200_000;
    // A client's last, for it takes the epoch away.
    for way in [Way::Part, Way::Whole, Way::Chunk, Way::Relay, Way::Client] {
        let (body, stalls) = stalled(&bytes);
        let (held, granted) = match way {
            Way::Part => (cancelled(rig, rig.create(None, First::Part(body)), stalls).await, MIB),
            Way::Whole => (cancelled(rig, rig.create(None, First::Whole(body)), stalls).await, MIB),
            // A relay's chunk is granted as it is, a client's as large as it is likely to become.
            Way::Chunk => {
                let first = First::Chunk { body, count: count as u64, more: false };
                (cancelled(rig, rig.create(None, first), stalls).await, count)
            }
            Way::Relay => {
                let append = holds(&upload, count);
                let request = rig.uploads.append(&rig.call, upload.id, append, body);
                (cancelled(rig, request, stalls).await, count)
            }
            Way::Client => {
                let request = rig.uploads.append(&rig.call, upload.id, claims(5), body);
                (cancelled(rig, request, stalls).await, MIB)
            }
        };
        assert_eq!(held, granted, "{way:?}");
    }
    let upload = rig.stat(upload.id).await.unwrap();
    let (body, stalls) = stalled(&sample(1, 2 * MIB));
    let request = rig.uploads.append(&rig.call, upload.id, holds(&upload, 4 * MIB), body);
    assert_eq!(cancelled(rig, request, stalls).await as u64, rig.blobs.holds(4 * MIB as u64));
    rig.check_holds_just(upload.id, b"12345").await;
}

async fn a_request_that_is_cancelled_while_it_stores_holds_nothing(rig: &Rig) {
    let bytes = sample(1, 100_000);
    let upload = rig.begun(b"12345").await;
    for relayed in [true, false] {
        let mut hold = rig.blobs.hold(At::Finish);
        let now = rig.stat(upload.id).await.unwrap();
        let held = match relayed {
            true => cancelled(rig, rig.relayed(&now, &bytes), hold.reached()).await,
            false => cancelled(rig, rig.append(&now, &bytes), hold.reached()).await,
        };
        assert_eq!(held, bytes.len());
    }
    rig.check_holds_just(upload.id, b"12345").await;
}

/// And then it is free: an upload of many chunks needs no more at once than its largest.
async fn a_chunk_is_held_until_it_is_stored(rig: &Rig) {
    let bytes = sample(1, 3 * MIB);
    let mut held = rig.blobs.hold(At::Finish);
    let looking = async {
        held.reached().await;
        assert_eq!(BUDGET as usize - rig.budget.free(), MIB);
        let mut second = rig.blobs.hold(At::Finish);
        drop(held);
        second.reached().await;
        assert_eq!(BUDGET as usize - rig.budget.free(), 2 * MIB);
        drop(second);
    };
    let (stored, ()) = tokio::join!(rig.create(None, First::Whole(body(&bytes))), looking);
    rig.check_content(&stored.unwrap(), &bytes).await;
}

async fn no_more_of_a_relays_chunk_is_read_than_there_is_room_for(rig: &Rig) {
    let (upload, bytes) = (rig.begun(b"").await, sample(1, 4 * MIB));
    let read = Rc::new(Cell::new(0));
    let count = read.clone();
    let reading = body(&bytes).inspect_ok(move |part| count.set(count.get() + part.len() as u64));
    let mut held = rig.blobs.hold(At::Write);
    let looking = async {
        held.reached().await;
        // What could be read has been read by then.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(read.get() <= rig.blobs.holds(bytes.len() as u64), "{}", read.get());
        drop(held);
    };
    let append = holds(&upload, bytes.len());
    let appending = rig.uploads.append(&rig.call, upload.id, append, Box::pin(reading));
    tokio::join!(appending, looking).0.unwrap();
    rig.check_holds_just(upload.id, &bytes).await;
}
