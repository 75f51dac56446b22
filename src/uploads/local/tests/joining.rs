use super::leftovers::check_references;
use super::sweeping::sweep_all;
use super::*;
use crate::blobs::faulty::{At, Fault};
use crate::catalog::faulty::{self, FaultyCatalog};
use crate::domain::{Concat, PartFault, State};
use crate::uploads::local::Finisher;
use futures_util::future::join_all;
use std::cell::Cell;

on_both_stores!(
    parts_are_joined_in_the_order_in_which_they_are_named,
    the_last_part_completes_the_final_upload,
    a_final_upload_that_nobody_joined_is_joined_when_it_is_looked_at,
    a_final_upload_that_nobody_looks_at_is_joined_by_the_finisher,
    what_turns_out_to_be_too_large_is_removed,
    parts_that_are_removed_take_no_byte_of_the_final_upload,
    nothing_is_appended_to_a_final_upload,
    a_digest_is_computed_in_slices_that_anybody_goes_on_with,
    what_cannot_be_read_keeps_no_other_from_its_digest,
    a_digest_goes_on_as_soon_as_the_database_is_back,
    two_that_digest_at_once_agree,
    racing_joins_removals_and_sweeps_leave_nothing_behind,
);

/// An upload that is only a part, with what has come of it.
async fn part(rig: &Rig, bytes: &[u8], length: Option<u64>) -> UploadId {
    let new = NewUpload { concat: Some(Concat::Partial), ..described(length) };
    rig.uploads.create(&rig.call, new, First::Part(body(bytes))).await.unwrap().id
}

async fn whole_part(rig: &Rig, bytes: &[u8]) -> UploadId {
    part(rig, bytes, Some(bytes.len() as u64)).await
}

fn final_of(parts: &[UploadId]) -> NewUpload {
    let urls: Vec<String> = parts.iter().map(|part| format!("/files/{part}")).collect();
    let concat = Some(Concat::Final { urls: urls.join(" ") });
    NewUpload { concat, parts: parts.to_vec(), ..described(None) }
}

async fn join(rig: &Rig, parts: &[UploadId]) -> Upload {
    rig.uploads.create(&rig.call, final_of(parts), First::Nothing).await.unwrap()
}

fn finisher(rig: &Rig) -> Finisher {
    let mut finisher = Finisher::new(rig.catalog.clone(), Arc::new(rig.blobs.clone()), LIMIT);
    finisher.rest = Duration::ZERO;
    finisher
}

async fn digest_all(rig: &Rig) {
    let mut finisher = finisher(rig);
    while finisher.digest().await.unwrap() {}
}

/// Its digest, too, which is computed if it is not known.
async fn check_joined(rig: &Rig, id: UploadId, bytes: &[u8]) {
    digest_all(rig).await;
    let upload = rig.stat(id).await.unwrap();
    assert_eq!(upload.state(), State::Complete);
    rig.check_content(&upload, bytes).await;
}

async fn parts_are_joined_in_the_order_in_which_they_are_named(rig: &Rig) {
    let contents = [sample(1, 70_000), Vec::new(), sample(2, 5), sample(3, MIB + 3)];
    let mut parts = Vec::new();
    for content in &contents {
        parts.push(whole_part(rig, content).await);
    }
    let order = [3, 1, 0, 2, 0];
    let joined = join(rig, &order.map(|n| parts[n])).await;
    assert_eq!((joined.state(), joined.sha256), (State::Complete, None));
    let content = order.map(|n| contents[n].as_slice()).concat();
    assert!(rig.read(&joined, 0..joined.offset).await.unwrap() == content);
    let joint = MIB as u64 + 3;
    assert!(rig.read(&joined, joint - 2..joint + 9).await.unwrap() == content[MIB + 1..MIB + 12]);
    let (_, segments) = rig.uploads.inspect(&rig.call, joined.id).await.unwrap();
    assert_eq!(segments.iter().map(|segment| segment.length).sum::<u64>(), joined.offset);
    check_joined(rig, joined.id, &content).await;
    check_references(rig).await;
}

/// Brought by a client, or by a relay.
async fn the_last_part_completes_the_final_upload(rig: &Rig) {
    for relayed in [false, true] {
        let (a, b) = (whole_part(rig, b"abc").await, part(rig, b"d", Some(2)).await);
        let waiting = join(rig, &[b, a]).await;
        assert_eq!((waiting.state(), waiting.length), (State::Receiving, Some(5)));
        let now = rig.stat(b).await.unwrap();
        let last = if relayed { rig.relayed(&now, b"e").await } else { rig.append(&now, b"e").await };
        assert!(last.unwrap().expires_at.is_some());
        assert_eq!(rig.catalog.find(waiting.id).await.unwrap().upload.state(), State::Complete);
        check_joined(rig, waiting.id, b"deabc").await;
    }
}

/// A rig whose backend dies between a part's last byte and the join, and the final upload that waits for it.
async fn unjoined(rig: &Rig) -> UploadId {
    let catalog = FaultyCatalog::new(rig.catalog.clone());
    let dying = backend(4, Arc::new(catalog.clone()), Arc::new(rig.blobs.clone()), rig.budget.clone());
    let (a, b) = (whole_part(rig, b"abc").await, part(rig, b"d", Some(2)).await);
    let waiting = join(rig, &[a, b]).await.id;
    catalog.script(faulty::At::Join, [Fault::Unavailable]);
    dying.append(&rig.call, b, claims(1), body(b"e")).await.unwrap();
    assert_eq!(rig.catalog.find(waiting).await.unwrap().upload.state(), State::Receiving);
    waiting
}

async fn a_final_upload_that_nobody_joined_is_joined_when_it_is_looked_at(rig: &Rig) {
    let waiting = unjoined(rig).await;
    assert_eq!(rig.stat(waiting).await.unwrap().state(), State::Complete);
    check_joined(rig, waiting, b"abcde").await;
    let waiting = unjoined(rig).await;
    let (inspected, segments) = rig.uploads.inspect(&rig.call, waiting).await.unwrap();
    assert_eq!((inspected.offset, segments.iter().map(|segment| segment.length).sum()), (5, 5));
}

async fn a_final_upload_that_nobody_looks_at_is_joined_by_the_finisher(rig: &Rig) {
    let waiting = [unjoined(rig).await, unjoined(rig).await];
    // It may still be joined, so it does not expire.
    assert!(rig.catalog.expire(10).await.unwrap().is_empty());
    let catalog = FaultyCatalog::new(rig.catalog.clone());
    catalog.script(faulty::At::Join, [Fault::Unavailable]);
    let finisher = Finisher::new(Arc::new(catalog), Arc::new(rig.blobs.clone()), LIMIT);
    // One that fails keeps no other from it.
    finisher.join().await.unwrap_err();
    let state = async |id| rig.catalog.find(id).await.unwrap().upload.state();
    assert_eq!([state(waiting[0]).await, state(waiting[1]).await], [State::Receiving, State::Complete]);
    finisher.join().await.unwrap();
    assert_eq!(state(waiting[0]).await, State::Complete);
    check_references(rig).await;
}

async fn what_turns_out_to_be_too_large_is_removed(rig: &Rig) {
    let small = LocalUploads::new(
        rig.catalog.clone(),
        Arc::new(rig.blobs.clone()),
        rig.budget.clone(),
        ContainerId::from_bits(5),
        TTL,
        4,
    );
    let (a, deferred) = (whole_part(rig, b"abc").await, part(rig, b"d", None).await);
    let new = final_of(&[a, a]);
    let refused = small.create(&rig.call, new.clone(), First::Nothing).await;
    assert!(matches!(refused, Err(UploadError::TooLarge { limit: 4 })), "{refused:?}");
    assert!(matches!(rig.stat(new.id).await, Err(UploadError::NotFound)));

    let waiting = small.create(&rig.call, final_of(&[a, deferred]), First::Nothing).await.unwrap().id;
    let last = Append { length: Some(2), ..claims(1) };
    assert_eq!(small.append(&rig.call, deferred, last, body(b"e")).await.unwrap().state(), State::Complete);
    assert!(matches!(small.stat(&rig.call, waiting).await, Err(UploadError::Gone)));
    check_references(rig).await;
}

async fn parts_that_are_removed_take_no_byte_of_the_final_upload(rig: &Rig) {
    let (a, b) = (whole_part(rig, b"abc").await, whole_part(rig, b"de").await);
    let joined = join(rig, &[a, b]).await;
    rig.terminate(a).await.unwrap();
    let mut swept = Swept::default();
    rig.sweeper().sweep(&mut swept).await.unwrap();
    rig.sweeper().search(&mut swept).await.unwrap();
    rig.terminate(b).await.unwrap();
    rig.sweeper().search(&mut swept).await.unwrap();
    assert_eq!(swept, Swept::default());
    check_references(rig).await;
    check_joined(rig, joined.id, b"abcde").await;

    let late = part(rig, b"", Some(1)).await;
    let removed = whole_part(rig, b"f").await;
    let waiting = join(rig, &[removed, late]).await;
    rig.terminate(removed).await.unwrap();
    rig.append(&rig.stat(late).await.unwrap(), b"g").await.unwrap();
    assert_eq!(rig.stat(waiting.id).await.unwrap().state(), State::Receiving);
    let refused = rig.uploads.create(&rig.call, final_of(&[late, removed]), First::Nothing).await;
    let fault = PartFault::Missing;
    assert!(matches!(refused, Err(UploadError::BadPart { part, fault: f }) if part == removed && f == fault));
    for id in [late, waiting.id, joined.id] {
        rig.terminate(id).await.unwrap();
    }
    assert_eq!(rig.leftovers().await, Leftovers { tombstones: 6, ..Leftovers::default() });
}

async fn nothing_is_appended_to_a_final_upload(rig: &Rig) {
    let (a, late) = (whole_part(rig, b"abc").await, part(rig, b"", Some(1)).await);
    for upload in [join(rig, &[a]).await, join(rig, &[a, late]).await] {
        let relayed = rig.relayed(&upload, b"x").await;
        assert!(matches!(relayed, Err(UploadError::FinalUpload)), "{relayed:?}");
        for append in [claims(upload.offset), claims(77), Append { length: Some(1), ..claims(0) }] {
            for writer in [Writer::Claims, Writer::ClaimsAfter(upload.epoch)] {
                let append = Append { writer, ..append };
                let refused = rig.uploads.append(&rig.call, upload.id, append, body(b"x")).await;
                assert!(matches!(refused, Err(UploadError::FinalUpload)), "{refused:?}");
            }
        }
        assert_eq!(rig.stat(upload.id).await.unwrap(), upload);
    }
}

async fn a_digest_is_computed_in_slices_that_anybody_goes_on_with(rig: &Rig) {
    let contents = [sample(1, 1000), sample(2, 100_000), sample(3, 2 * MIB)];
    let mut parts = Vec::new();
    for content in &contents {
        parts.push(whole_part(rig, content).await);
    }
    let joined = join(rig, &parts).await;
    let mut reached = Vec::new();
    loop {
        // Each time somebody else.
        let mut finisher = finisher(rig);
        finisher.slice = 700_000;
        let more = finisher.digest().await.unwrap();
        match &rig.catalog.undigested(None, 1).await.unwrap()[..] {
            [upload] => reached.push(upload.digested),
            _ => break assert!(!more),
        }
        assert!(more);
    }
    // From the end of the first part on, which is not read again.
    assert_eq!(reached, [701_000, 1_401_000, 2_101_000]);
    check_joined(rig, joined.id, &contents.concat()).await;
}

async fn what_cannot_be_read_keeps_no_other_from_its_digest(rig: &Rig) {
    let (a, b) = (whole_part(rig, b"abc").await, whole_part(rig, b"de").await);
    let (first, second, third) =
        (join(rig, &[a, b]).await, join(rig, &[b, a]).await, join(rig, &[b, b]).await);
    let mut finisher = finisher(rig);
    rig.blobs.script(At::Read, [Fault::Missing, Fault::Missing]);
    assert!(!finisher.digest().await.unwrap());
    assert!(rig.stat(third.id).await.unwrap().sha256.is_some());
    finisher.rest = Duration::from_secs(3600);
    assert!(!finisher.digest().await.unwrap());
    assert_eq!(rig.catalog.undigested(None, 10).await.unwrap().len(), 2);
    finisher.rest = Duration::ZERO;
    assert!(!finisher.digest().await.unwrap());
    check_joined(rig, first.id, b"abcde").await;
    check_joined(rig, second.id, b"deabc").await;
}

async fn a_digest_goes_on_as_soon_as_the_database_is_back(rig: &Rig) {
    let parts = [whole_part(rig, b"abc").await, whole_part(rig, b"de").await];
    let joined = join(rig, &parts).await;
    let catalog = FaultyCatalog::new(rig.catalog.clone());
    // Rows are read from the same database.
    rig.blobs.script(At::Read, [Fault::Unavailable]);
    catalog.script(faulty::At::Digested, [Fault::Unavailable]);
    let mut finisher = Finisher::new(Arc::new(catalog), Arc::new(rig.blobs.clone()), LIMIT);
    for _away in ["the store", "the catalog"] {
        assert!(!finisher.digest().await.unwrap());
        assert_eq!(rig.stat(joined.id).await.unwrap().sha256, None);
    }
    assert!(!finisher.digest().await.unwrap());
    assert!(rig.stat(joined.id).await.unwrap().sha256.is_some());
}

async fn two_that_digest_at_once_agree(rig: &Rig) {
    let contents = [sample(1, 1000), sample(2, 300_000)];
    let parts = [whole_part(rig, &contents[0]).await, whole_part(rig, &contents[1]).await];
    let joined = join(rig, &parts).await;
    let digest = async |slice| {
        let mut finisher = finisher(rig);
        finisher.slice = slice;
        while finisher.digest().await.unwrap() {}
    };
    join_all([30_000, 30_000, 70_001].map(digest)).await;
    let upload = rig.stat(joined.id).await.unwrap();
    rig.check_content(&upload, &contents.concat()).await;
}

const SHARE: usize = 20_000;

/// What the part of this name consists of.
fn share(id: UploadId) -> Vec<u8> {
    sample(id.as_uuid().as_u128() as u64, SHARE)
}

/// Does something with these parts. Says whether a final upload was joined by it.
async fn act(
    rig: &Rig,
    backend: &LocalUploads,
    names: &[NewUpload],
    random: &mut fastrand::Rng,
) -> Result<bool, UploadError> {
    let new = &names[random.usize(..names.len())];
    match random.u8(..10) {
        0..=2 => {
            let count = if random.bool() { SHARE } else { random.usize(1..SHARE) };
            backend.create(&rig.call, new.clone(), first_chunk(&share(new.id)[..count])).await?;
        }
        3..=4 => {
            let now = backend.stat(&rig.call, new.id).await?;
            let rest = body(&share(new.id)[now.offset as usize..]);
            backend.append(&rig.call, new.id, claims(now.offset), rest).await?;
        }
        5..=7 => {
            // Those that were there a moment ago.
            let mut there = rig.listed().await;
            there.retain(|id| names.iter().any(|new| new.id == *id));
            random.shuffle(&mut there);
            there.truncate(random.usize(1..4));
            let parts = if there.is_empty() { vec![new.id] } else { there };
            let created = backend.create(&rig.call, final_of(&parts), First::Nothing).await?;
            return Ok(!created.waits_for_parts());
        }
        8 => backend.terminate(&rig.call, new.id).await?,
        _ => {
            let listed = rig.listed().await;
            if let Some(id) = listed.get(random.usize(..listed.len().max(1))) {
                backend.terminate(&rig.call, *id).await?;
            }
        }
    }
    Ok(false)
}

/// What two that race may be told.
fn is_known(error: &UploadError) -> bool {
    matches!(
        error,
        UploadError::Gone
            | UploadError::NotFound
            | UploadError::BadPart { .. }
            | UploadError::WrongOffset { .. }
            | UploadError::Superseded { .. }
            | UploadError::Complete { .. }
    )
}

/// Content that is complete is what its parts are.
async fn check_and_terminate(rig: &Rig, id: UploadId) {
    let upload = rig.stat(id).await.unwrap();
    let parts = match &upload.concat {
        Some(Concat::Final { urls }) => urls.split(' ').map(|url| url[7..].parse().unwrap()).collect(),
        _ => vec![id],
    };
    if upload.state() == State::Complete {
        let content: Vec<Vec<u8>> = parts.into_iter().map(share).collect();
        rig.check_content(&upload, &content.concat()).await;
    }
    rig.terminate(id).await.unwrap();
}

/// Everything at once on a few parts; at any moment references are what they are said to be, and with the last record goes the
/// last byte.
async fn racing_joins_removals_and_sweeps_leave_nothing_behind(rig: &Rig) {
    let (impatient, other) = (rig.impatient_backend(), rig.another_backend());
    let names: Vec<NewUpload> = (0..24)
        .map(|_| NewUpload { concat: Some(Concat::Partial), ..described(Some(SHARE as u64)) })
        .collect();
    let joined = Cell::new(0);
    let (rounds, acting) = (Cell::new(0), Cell::new(true));
    let act_often = async |actor: u64| {
        let mut random = fastrand::Rng::with_seed(actor);
        let mut acts = 0..;
        // The one that sweeps gets to it seldom among so many, and would else be through once.
        while acts.next() < Some(12) || rounds.get() < 3 {
            let backend = [&rig.uploads, &rig.uploads, &other, &other, &impatient][random.usize(..5)];
            match act(rig, backend, &names, &mut random).await {
                Ok(has_joined) => joined.set(joined.get() + u32::from(has_joined)),
                Err(error) => assert!(is_known(&error), "{error:?}"),
            }
        }
    };
    let act_all = async {
        join_all((0..16).map(act_often)).await;
        acting.set(false);
    };
    let sweeping = async {
        while acting.get() {
            let mut finisher = finisher(rig);
            sweep_all(rig).await;
            finisher.join().await.unwrap();
            finisher.digest().await.unwrap();
            check_references(rig).await;
            rounds.set(rounds.get() + 1);
        }
    };
    tokio::join!(act_all, sweeping);
    assert!(joined.get() > 0);
    check_references(rig).await;
    finisher(rig).join().await.unwrap();
    digest_all(rig).await;
    // A page of the list after the other.
    loop {
        let listed = rig.listed().await;
        for id in &listed {
            check_and_terminate(rig, *id).await;
        }
        if listed.is_empty() {
            break;
        }
    }
    sweep_all(rig).await;
    check_references(rig).await;
    let tombstones = rig.leftovers().await.tombstones;
    assert_eq!(rig.leftovers().await, Leftovers { tombstones, ..Leftovers::default() });
}
