//! Chunks that come before the one that they follow is stored.

use super::*;
use crate::blobs::faulty::At;
use crate::catalog::faulty::{self, FaultyCatalog};
use crate::db::faults::Fault;
use crate::uploads::local::relayed::FOLLOWING;
use futures_util::future::join;
use futures_util::poll;
use std::pin::pin;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

on_both_stores!(
    a_chunk_is_written_while_the_one_before_it_is_made_durable,
    of_three_chunks_under_way_each_counts_after_the_one_before_it,
    what_follows_a_chunk_that_is_given_up_is_refused_and_may_come_again,
    what_follows_a_chunk_that_breaks_off_is_refused,
    what_follows_a_chunk_that_is_fenced_is_fenced,
    what_follows_a_chunk_goes_no_further_than_the_uploads_end,
    what_follows_a_chunk_may_say_where_the_upload_ends,
    what_follows_a_chunk_holds_no_room_before_that_one_has_come,
    what_follows_a_chunk_that_came_twice_is_stored,
    who_follows_a_chunk_that_is_dead_here_and_stored_elsewhere_does_not_wait_for_it,
    who_follows_a_chunk_that_never_comes_here_and_is_stored_elsewhere_does_not_wait_for_it,
    a_look_at_the_record_goes_on_though_its_follower_is_gone,
    who_follows_a_chunk_that_never_ends_is_refused_before_its_relay_loses_patience,
    who_follows_a_chunk_that_never_comes_is_refused_though_there_is_no_room,
    nobody_waits_for_a_chunk_that_is_refused_and_still_coming,
    who_follows_a_chunk_is_stored_though_the_record_cannot_be_looked_at_meanwhile,
);

/// The upload as its relay expects it to be when `bytes` more are stored.
fn after(upload: &Upload, bytes: &[u8]) -> Upload {
    Upload { offset: upload.offset + bytes.len() as u64, ..upload.clone() }
}

async fn a_chunk_is_written_while_the_one_before_it_is_made_durable(rig: &Rig) {
    let bytes = sample(1, 3 * MIB);
    let (first, second) = bytes.split_at(MIB + 1);
    let upload = rig.begun(b"").await;
    let mut held = rig.blobs.hold(At::Finish);
    let following = async {
        held.reached().await;
        let mut second_held = rig.blobs.hold(At::Finish);
        let written = async {
            second_held.reached().await;
            assert_eq!(rig.stat(upload.id).await.unwrap().offset, 0);
            drop((second_held, held));
        };
        join(rig.relayed(&after(&upload, first), second), written).await.0
    };
    let (stored, followed) = join(rig.relayed(&upload, first), following).await;
    assert_eq!(stored.unwrap().offset, first.len() as u64);
    assert_eq!(followed.unwrap().offset, bytes.len() as u64);
    rig.check_holds_just(upload.id, &bytes).await;
}

async fn of_three_chunks_under_way_each_counts_after_the_one_before_it(rig: &Rig) {
    let bytes = sample(1, 3 * MIB);
    let (upload, other) = (rig.begun(b"").await, rig.begun(b"").await);
    let (second, third) = (after(&upload, &bytes[..MIB]), after(&upload, &bytes[..2 * MIB]));
    let mut held = rig.blobs.hold(At::Finish);
    let following = async {
        held.reached().await;
        let mut second_held = rig.blobs.hold(At::Finish);
        let behind_it = async {
            second_held.reached().await;
            let mut third_held = rig.blobs.hold(At::Finish);
            let written = async {
                third_held.reached().await;
                // Both are durable before the first one, in the time in which another upload's chunk is stored.
                drop((third_held, second_held));
                rig.relayed(&other, &bytes).await.unwrap();
                assert_eq!(rig.stat(upload.id).await.unwrap().offset, 0);
                drop(held);
            };
            join(rig.relayed(&third, &bytes[2 * MIB..]), written).await.0
        };
        join(rig.relayed(&second, &bytes[MIB..2 * MIB]), behind_it).await
    };
    let (stored, (next, last)) = join(rig.relayed(&upload, &bytes[..MIB]), following).await;
    let ends = [stored, next, last].map(|stored| stored.unwrap().offset as usize / MIB);
    assert_eq!(ends, [1, 2, 3]);
    rig.check_holds_just(upload.id, &bytes).await;
}

async fn what_follows_a_chunk_that_is_given_up_is_refused_and_may_come_again(rig: &Rig) {
    let bytes = sample(1, 300_000);
    let (first, second) = bytes.split_at(100_000);
    let upload = rig.begun(b"").await;
    let next = after(&upload, first);
    let mut held = rig.blobs.hold(At::Finish);
    let mut following = pin!(rig.relayed(&next, second));
    {
        let mut given_up = pin!(rig.relayed(&upload, first));
        tokio::select! {
            biased;
            _ = &mut given_up => panic!("it is held"),
            () = held.reached() => {}
        }
        let mut second_held = rig.blobs.hold(At::Finish);
        tokio::select! {
            biased;
            _ = &mut given_up => panic!("it is held"),
            _ = &mut following => panic!("the one before it is not stored"),
            () = second_held.reached() => {}
        }
    }
    let refused = following.await;
    assert!(matches!(refused, Err(UploadError::WrongOffset { offset: 0, .. })), "{refused:?}");
    for (at, chunk) in [(&upload, first), (&next, second)] {
        rig.relayed(at, chunk).await.unwrap();
    }
    rig.check_holds_just(upload.id, &bytes).await;
}

async fn what_follows_a_chunk_that_breaks_off_is_refused(rig: &Rig) {
    let upload = rig.begun(b"123").await;
    let (breaks, is_broken) = oneshot::channel::<()>();
    let cut = stream::once(async move {
        is_broken.await.ok();
        Err(BodyError::CutShort)
    });
    let append = holds(&upload, 100_000);
    let breaking = rig.uploads.append(&rig.call, upload.id, append, body(b"4567").chain(cut).boxed_local());
    let next = Upload { offset: upload.offset + 100_000, ..upload.clone() };
    let (mut breaking, mut following) = (pin!(breaking), pin!(rig.relayed(&next, b"89")));
    assert!(poll!(&mut breaking).is_pending() && poll!(&mut following).is_pending());
    breaks.send(()).unwrap();
    let (broken, refused) = join(breaking, following).await;
    assert!(matches!(broken, Err(UploadError::Body(BodyError::CutShort))), "{broken:?}");
    assert!(matches!(refused, Err(UploadError::WrongOffset { offset: 3, .. })), "{refused:?}");
    rig.check_holds_just(upload.id, b"123").await;
}

async fn what_follows_a_chunk_that_is_fenced_is_fenced(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let mut held = rig.blobs.hold(At::Finish);
    let fencing = async {
        held.reached().await;
        let mut second_held = rig.blobs.hold(At::Finish);
        let fenced = async {
            second_held.reached().await;
            rig.append(&upload, b"another").await.unwrap();
            drop((second_held, held));
        };
        join(rig.relayed(&after(&upload, b"first"), b"second"), fenced).await.0
    };
    let (first, second) = join(rig.relayed(&upload, b"first"), fencing).await;
    for refused in [first, second] {
        assert!(matches!(refused, Err(UploadError::Superseded { offset: 7, .. })), "{refused:?}");
    }
    rig.check_holds_just(upload.id, b"another").await;
}

async fn what_follows_a_chunk_goes_no_further_than_the_uploads_end(rig: &Rig) {
    let upload = rig.create(Some(10), First::Nothing).await.unwrap();
    let mut held = rig.blobs.hold(At::Finish);
    let too_much = async {
        held.reached().await;
        let (next, go_on) = (after(&upload, b"123456"), async { drop(held) });
        join(rig.relayed(&next, b"789ab"), go_on).await.0
    };
    let (stored, refused) = join(rig.relayed(&upload, b"123456"), too_much).await;
    assert!(matches!(refused, Err(UploadError::PastTheEnd { length: 10 })), "{refused:?}");
    let complete = rig.relayed(&stored.unwrap(), b"789a").await.unwrap();
    rig.check_content(&complete, b"123456789a").await;
}

async fn what_follows_a_chunk_may_say_where_the_upload_ends(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let mut held = rig.blobs.hold(At::Finish);
    let ending = async {
        held.reached().await;
        let append = Append { length: Some(6), ..holds(&after(&upload, b"123"), 3) };
        let request = rig.uploads.append(&rig.call, upload.id, append, body(b"456"));
        join(request, async { drop(held) }).await.0
    };
    let (stored, ended) = join(rig.relayed(&upload, b"123"), ending).await;
    assert_eq!(stored.unwrap().offset, 3);
    rig.check_content(&ended.unwrap(), b"123456").await;
}

/// Else chunks that wait for others could take the room that those need.
async fn what_follows_a_chunk_holds_no_room_before_that_one_has_come(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let append = holds(&upload, 100);
    let coming = rig.uploads.append(&rig.call, upload.id, append, stream::pending().boxed_local());
    let next = Upload { offset: 100, ..upload.clone() };
    let (mut coming, mut following) = (pin!(coming), pin!(rig.relayed(&next, b"12345")));
    assert!(poll!(&mut coming).is_pending() && poll!(&mut following).is_pending());
    assert_eq!(BUDGET as usize - rig.budget.free(), 100);
}

/// Its relay has lost patience with the first of them.
async fn what_follows_a_chunk_that_came_twice_is_stored(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let mut held = rig.blobs.hold(At::Finish);
    let again = async {
        held.reached().await;
        rig.relayed(&upload, b"first").await.unwrap();
        let stored = rig.relayed(&after(&upload, b"first"), b"second").await.unwrap();
        drop(held);
        stored
    };
    let (late, followed) = join(rig.relayed(&upload, b"first"), again).await;
    assert!(late.is_err(), "{late:?}");
    assert_eq!(followed.offset, 11);
    rig.check_holds_just(upload.id, b"firstsecond").await;
}

async fn who_follows_a_chunk_that_is_dead_here_and_stored_elsewhere_does_not_wait_for_it(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let mut held = rig.blobs.hold(At::Finish);
    let elsewhere = async {
        held.reached().await;
        let (other, append) = (rig.another_backend(), holds(&upload, 5));
        other.append(&rig.call, upload.id, append, body(b"first")).await.unwrap();
        let stored = rig.relayed(&after(&upload, b"first"), b"second").await.unwrap();
        drop(held);
        stored
    };
    let (late, followed) = join(rig.relayed(&upload, b"first"), elsewhere).await;
    assert!(late.is_err(), "{late:?}");
    assert_eq!(followed.offset, 11);
    rig.check_holds_just(upload.id, b"firstsecond").await;
}

async fn who_follows_a_chunk_that_never_comes_here_and_is_stored_elsewhere_does_not_wait_for_it(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let catalog = FaultyCatalog::new(rig.catalog.clone());
    let uploads = rig.backend_over(Arc::new(catalog.clone()));
    let never = uploads.append(&rig.call, upload.id, holds(&upload, 5), stream::pending().boxed_local());
    let next = after(&upload, b"first");
    let following = uploads.append(&rig.call, upload.id, holds(&next, 6), body(b"second"));
    let (mut never, mut following) = (pin!(never), pin!(following));
    assert!(poll!(&mut never).is_pending());
    // It looks once, and asks the record where it fits.
    catalog.script(faulty::At::Find, [Fault::Pass, Fault::Pass, Fault::Unavailable]);
    assert!(poll!(&mut following).is_pending());
    let elsewhere = rig.another_backend();
    elsewhere.append(&rig.call, upload.id, holds(&upload, 5), body(b"first")).await.unwrap();
    assert_eq!(following.await.unwrap().offset, 11);
    rig.check_holds_just(upload.id, b"firstsecond").await;
}

/// It would end its connection to the database.
async fn a_look_at_the_record_goes_on_though_its_follower_is_gone(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let faulty = FaultyCatalog::new(rig.catalog.clone());
    let catalog: Arc<dyn Catalog> = Arc::new(faulty.clone());
    let uploads = rig.backend_over(catalog.clone());
    let never = uploads.append(&rig.call, upload.id, holds(&upload, 5), stream::pending().boxed_local());
    let mut never = pin!(never);
    assert!(poll!(&mut never).is_pending());
    let without = Arc::strong_count(&catalog);
    let mut looks = faulty.hold(faulty::At::Find);
    {
        let next = after(&upload, b"first");
        let mut following = pin!(uploads.append(&rig.call, upload.id, holds(&next, 6), body(b"second")));
        tokio::select! {
            biased;
            early = &mut following => panic!("{early:?}"),
            () = looks.reached() => {}
        }
    }
    assert_eq!(Arc::strong_count(&catalog), without + 1, "it goes on");
    drop(looks);
    let ends = async {
        while Arc::strong_count(&catalog) > without {
            yield_now().await;
        }
    };
    timeout(FOLLOWING, ends).await.expect("it ends");
}

/// It waits for the bytes of the one before; then, in what is left of the same time, for that one to be counted.
async fn who_follows_a_chunk_that_never_ends_is_refused_before_its_relay_loses_patience(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let (come, comes) = oneshot::channel::<()>();
    let late = stream::once(async move {
        comes.await.ok();
        Ok(Bytes::from_static(b"first"))
    });
    let mut held = rig.blobs.hold(At::Finish);
    let never = rig.uploads.append(&rig.call, upload.id, holds(&upload, 5), late.boxed_local());
    let (mut never, next) = (pin!(never), after(&upload, b"first"));
    let mut following = pin!(rig.relayed(&next, b"second"));
    let begun = Instant::now();
    assert!(poll!(&mut never).is_pending() && poll!(&mut following).is_pending());
    let half_past = tokio::time::sleep(FOLLOWING / 2);
    let refused = tokio::select! {
        biased;
        _ = &mut never => panic!("it is held"),
        refused = &mut following => panic!("{refused:?}"),
        () = half_past => {
            come.send(()).unwrap();
            let reached = held.reached();
            tokio::select! { biased; _ = &mut never => panic!("it is held"), () = reached => {} }
            tokio::select! { biased; _ = &mut never => panic!("it is held"), refused = &mut following => refused }
        }
    };
    assert!(matches!(refused, Err(UploadError::Unavailable { .. })), "{refused:?}");
    assert!(begun.elapsed() < FOLLOWING + FOLLOWING / 4, "{:?}", begun.elapsed());
    drop(held);
    assert_eq!(never.await.unwrap().offset, 5);
    rig.relayed(&next, b"second").await.unwrap();
    rig.check_holds_just(upload.id, b"firstsecond").await;
}

/// What is refused needs none, and does not wait for it.
async fn who_follows_a_chunk_that_never_comes_is_refused_though_there_is_no_room(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let never = rig.uploads.append(&rig.call, upload.id, holds(&upload, 5), stream::pending().boxed_local());
    let next = after(&upload, b"first");
    let (mut never, following) = (pin!(never), rig.relayed(&next, b"second"));
    assert!(poll!(&mut never).is_pending());
    let _rest = rig.budget.try_take(rig.budget.free()).unwrap();
    let begun = Instant::now();
    let refused = following.await;
    assert!(matches!(refused, Err(UploadError::Unavailable { .. })), "{refused:?}");
    // Before that it did not ask for room, which is given up sooner; nor afterwards, when it would take longer.
    assert!(begun.elapsed() >= FOLLOWING, "{:?}", begun.elapsed());
    assert!(begun.elapsed() < FOLLOWING + FOLLOWING / 4, "{:?}", begun.elapsed());
}

async fn nobody_waits_for_a_chunk_that_is_refused_and_still_coming(rig: &Rig) {
    let upload = rig.begun(b"123").await;
    let never_comes = |upload: &Upload| {
        rig.uploads.append(&rig.call, upload.id, holds(upload, 5), stream::pending().boxed_local())
    };
    let nobody_waits = async || {
        while !rig.uploads.under_way.is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let misfit = Upload { offset: 100, ..upload.clone() };
    for (at, room) in [(&misfit, BUDGET as usize), (&upload, 0)] {
        let _rest = rig.budget.try_take(BUDGET as usize - room).unwrap();
        let mut refused = pin!(never_comes(at));
        assert!(poll!(&mut refused).is_pending() && !rig.uploads.under_way.is_empty());
        tokio::select! { biased; early = &mut refused => panic!("{early:?}"), () = nobody_waits() => {} }
    }
}

async fn who_follows_a_chunk_is_stored_though_the_record_cannot_be_looked_at_meanwhile(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let catalog = FaultyCatalog::new(rig.catalog.clone());
    let uploads = rig.backend_over(Arc::new(catalog.clone()));
    let mut held = rig.blobs.hold(At::Finish);
    let relayed = async |upload: &Upload, bytes: &'static [u8]| {
        uploads.append(&rig.call, upload.id, holds(upload, bytes.len()), body(bytes)).await
    };
    let following = async {
        held.reached().await;
        let mut second_held = rig.blobs.hold(At::Finish);
        catalog.script(faulty::At::Find, [Fault::Unavailable]);
        let mut looks_again = catalog.hold(faulty::At::Find);
        let next = after(&upload, b"first");
        let mut second = pin!(relayed(&next, b"second"));
        let looked = async {
            second_held.reached().await;
            drop(second_held);
            looks_again.reached().await;
            drop((looks_again, held));
        };
        tokio::select! { biased; early = &mut second => return early, () = looked => {} }
        second.await
    };
    let (stored, followed) = join(relayed(&upload, b"first"), following).await;
    assert_eq!((stored.unwrap().offset, followed.unwrap().offset), (5, 11));
    rig.check_holds_just(upload.id, b"firstsecond").await;
}
