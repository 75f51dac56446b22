use super::*;
use crate::blobs::Place;
use crate::blobs::faulty::{At, Fault};
use crate::catalog::faulty::{self, FaultyCatalog};
use crate::domain::{BlobEpoch, BlobId, Epoch};
use crate::uploads::sweeper::BATCH;
use futures_util::future::join_all;
use std::cell::RefCell;
use uuid::Uuid;

on_both_stores!(
    an_expired_upload_is_gone_after_a_sweep,
    an_upload_that_grows_does_not_expire,
    an_upload_does_not_expire_before_its_writer_has_been_silent_for_a_while,
    bytes_that_could_not_be_deleted_are_deleted_by_the_sweep,
    what_cannot_be_deleted_keeps_nothing_else_from_it,
    many_that_cannot_be_deleted_keep_no_other_from_it,
    a_step_that_fails_skips_no_other,
    lost_epochs_are_deleted_and_counted_bytes_never,
    a_chunk_under_way_when_its_upload_expires_leaves_nothing,
    racing_requests_and_sweeps_leave_nothing_behind,
);

/// The database was lost, or the folder is another service's too.
#[tokio::test]
async fn a_folder_of_another_catalog_is_not_swept() {
    let (rig, strange) = (Rig::on_sqlite_and_a_folder().await, tempfile::tempdir().unwrap());
    let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    let catalog: Arc<dyn Catalog> =
        Arc::new(SqliteCatalog::open(&strange.path().join("catalog.db")).await.unwrap());
    assert_ne!(catalog.identity().await.unwrap(), rig.catalog.identity().await.unwrap());
    let blobs = Arc::new(rig.blobs.clone());

    // Also if nobody has said yet whose it is.
    for said in [true, false] {
        if !said {
            std::fs::remove_file(rig.folder.path().join("blobs/.catalog")).unwrap();
        }
        let (mut sweeper, mut swept) =
            (Sweeper::new(catalog.clone(), blobs.clone(), Duration::ZERO), Swept::default());
        for _ in 0..3 {
            sweeper.sweep(&mut swept).await.unwrap();
            sweeper.search(&mut swept).await.unwrap();
        }
        assert_eq!(swept, Swept::default());
        rig.check_content(&upload, b"12345").await;
    }

    // Uploads go on working there.
    let there = backend(4, catalog.clone(), blobs.clone(), rig.budget.clone());
    let other = there.create(&rig.call, described(None), First::Whole(body(b"678"))).await.unwrap();
    let content = there.open(&rig.call, &other.clone().into(), 0..3).await.unwrap();
    assert_eq!(content.try_collect::<Vec<_>>().await.unwrap().concat(), b"678");
    there.terminate(&rig.call, other.id).await.unwrap();
    // Who knows the files takes them, and then what has no record is swept.
    assert!(pair(&*rig.catalog, &*blobs).await.unwrap());
    assert!(!pair(&*catalog, &*blobs).await.unwrap());
    there.create(&rig.call, described(None), First::Whole(body(b"678"))).await.unwrap();
    assert_eq!(sweep_all(&rig).await, Swept { blobs: 1, ..Swept::default() });
    rig.check_content(&upload, b"12345").await;
}

/// So often that what is without a record is found to be so twice.
pub(super) async fn sweep_all(rig: &Rig) -> Swept {
    let (mut sweeper, mut swept) = (rig.sweeper(), Swept::default());
    for _ in 0..2 {
        sweeper.sweep(&mut swept).await.unwrap();
        sweeper.search(&mut swept).await.unwrap();
    }
    swept
}

pub(super) fn nothing_but(tombstones: i64) -> Leftovers {
    Leftovers { tombstones, ..Leftovers::default() }
}

async fn an_expired_upload_is_gone_after_a_sweep(rig: &Rig) {
    let impatient = rig.impatient_backend();
    let upload = impatient.create(&rig.call, described(Some(10)), First::Part(body(b"12345"))).await.unwrap();
    let whole = impatient.create(&rig.call, described(None), First::Whole(body(b"12345"))).await.unwrap();
    // Until it is swept it lives.
    assert_eq!(rig.stat(upload.id).await.unwrap(), upload);

    assert_eq!(sweep_all(rig).await, Swept { uploads: 1, blobs: 1, epochs: 0 });
    assert!(matches!(rig.stat(upload.id).await, Err(UploadError::Gone)));
    assert!(matches!(rig.append(&upload, b"6").await, Err(UploadError::Gone)));
    assert!(matches!(rig.relayed(&upload, b"6").await, Err(UploadError::Gone)));
    assert!(matches!(rig.terminate(upload.id).await, Err(UploadError::Gone)));
    rig.check_content(&whole, b"12345").await;
    rig.terminate(whole.id).await.unwrap();
    assert_eq!(rig.leftovers().await, nothing_but(2));
}

async fn an_upload_that_grows_does_not_expire(rig: &Rig) {
    let upload =
        rig.impatient_backend().create(&rig.call, described(None), First::Part(body(b"1"))).await.unwrap();
    let upload = rig.append(&upload, b"2").await.unwrap();
    assert_eq!(sweep_all(rig).await, Swept::default());
    rig.relayed(&upload, b"3").await.unwrap();
    assert_eq!(sweep_all(rig).await, Swept::default());
    rig.check_holds_just(upload.id, b"123").await;
}

/// Who goes on in time is not refused since the first bytes take a moment.
async fn an_upload_does_not_expire_before_its_writer_has_been_silent_for_a_while(rig: &Rig) {
    let impatient = rig.impatient_backend();
    let upload = impatient.create(&rig.call, described(None), First::Part(body(b"1"))).await.unwrap();
    let claimed = rig.append(&upload, b"").await.unwrap();
    assert_eq!((claimed.expires_at, sweep_all(rig).await), (upload.expires_at, Swept::default()));
    rig.let_its_writer_be_silent(&claimed).await;
    assert_eq!(sweep_all(rig).await, Swept { uploads: 1, blobs: 1, epochs: 0 });
    assert!(matches!(rig.relayed(&claimed, b"2").await, Err(UploadError::Gone)));
}

async fn bytes_that_could_not_be_deleted_are_deleted_by_the_sweep(rig: &Rig) {
    for fault in [Fault::Unavailable, Fault::AnswerLost] {
        let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
        rig.blobs.script(At::Delete, [fault]);
        rig.terminate(upload.id).await.unwrap();
        assert_eq!(sweep_all(rig).await, Swept { blobs: 1, ..Swept::default() });
    }
    assert_eq!(rig.leftovers().await, nothing_but(2));
}

async fn what_cannot_be_deleted_keeps_nothing_else_from_it(rig: &Rig) {
    for number in 0..5 {
        let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
        rig.blobs.script(At::Delete, [Fault::Unavailable]);
        rig.terminate(upload.id).await.unwrap();
        rig.blobs.clear();
        assert_eq!(rig.leftovers().await.blobs, number + 1);
    }
    let mut swept = Swept::default();
    rig.blobs.script(At::Delete, [Fault::Unavailable, Fault::Pass, Fault::Unavailable]);
    // What failed is tried again in the next sweep.
    let outcome = rig.sweeper().sweep(&mut swept).await;
    assert!(matches!(outcome, Err(SweepError::Blobs(_))), "{outcome:?}");
    assert_eq!((swept.blobs, rig.leftovers().await.blobs), (3, 2));
    rig.sweeper().sweep(&mut swept).await.unwrap();
    assert_eq!((swept.blobs, rig.leftovers().await), (5, nothing_but(5)));

    rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    rig.blobs.script(At::Delete, (0..20).map(|_| Fault::Unavailable));
    let last = rig.listed().await[0];
    rig.terminate(last).await.unwrap();
    let outcome = rig.sweeper().sweep(&mut swept).await;
    assert!(matches!(outcome, Err(SweepError::Blobs(_))), "{outcome:?}");
    assert_eq!(rig.leftovers().await.blobs, 1);
}

/// As many as are asked for at once, and doomed before the others.
async fn many_that_cannot_be_deleted_keep_no_other_from_it(rig: &Rig) {
    let blobs: Vec<BlobId> = (0..BATCH + 2).map(|_| BlobId(UploadId::mint().as_uuid())).collect();
    for blob in &blobs {
        rig.catalog.condemn(&[*blob]).await.unwrap();
    }
    let mut swept = Swept::default();
    rig.blobs.script(At::Delete, (0..BATCH).map(|_| Fault::Unavailable));
    let outcome = rig.sweeper().sweep(&mut swept).await;
    assert!(matches!(outcome, Err(SweepError::Blobs(_))), "{outcome:?}");
    assert_eq!((swept.blobs, rig.leftovers().await.blobs), (2, i64::from(BATCH)));
    rig.sweeper().sweep(&mut swept).await.unwrap();
    assert_eq!(rig.leftovers().await.blobs, 0);
}

async fn a_step_that_fails_skips_no_other(rig: &Rig) {
    let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    rig.blobs.script(At::Delete, [Fault::Unavailable]);
    rig.terminate(upload.id).await.unwrap();
    let catalog = FaultyCatalog::new(rig.catalog.clone());
    catalog.script(faulty::At::Expire, [Fault::Unavailable]);
    let sweeper = Sweeper::new(Arc::new(catalog), Arc::new(rig.blobs.clone()), Duration::ZERO);
    let mut swept = Swept::default();
    let outcome = sweeper.sweep(&mut swept).await;
    assert!(matches!(outcome, Err(SweepError::Catalog(_))), "{outcome:?}");
    assert_eq!((swept.blobs, rig.leftovers().await), (1, nothing_but(1)));
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_hides_no_other() {
    let rig = Rig::on_sqlite_and_a_folder().await;
    let mut id = *UploadId::mint().as_uuid().as_bytes();
    id[15] = 0xff;
    let place = Place { blob: BlobId(Uuid::from_bytes(id)), epoch: Epoch::FIRST, start: 0 };
    let mut stage = rig.blobs.stage(place, 5).await.unwrap();
    stage.write(&[Bytes::from_static(b"12345")], Digest::default()).await.unwrap();
    stage.finish().await.unwrap();
    std::fs::remove_dir(rig.folder.path().join("blobs/00")).unwrap();
    let (mut sweeper, mut swept) = (rig.sweeper(), Swept::default());
    for _ in 0..2 {
        let outcome = sweeper.search(&mut swept).await;
        assert!(matches!(outcome, Err(SweepError::Blobs(_))), "{outcome:?}");
    }
    assert_eq!((swept.blobs, rig.leftovers().await.bytes), (1, 0));
}

async fn lost_epochs_are_deleted_and_counted_bytes_never(rig: &Rig) {
    let upload = rig.begun(b"first ").await;
    // The bytes of the second epoch come too late.
    let fenced = rig.append(&upload, b"").await.unwrap();
    let mut held = rig.blobs.hold(At::Finish);
    let taking = async {
        held.reached().await;
        let claimed = rig.append(&upload, b"").await.unwrap();
        // Those of the third count nowhere yet.
        rig.blobs.script(At::Finish, [Fault::AnswerLost]);
        rig.relayed(&claimed, b"third").await.unwrap_err();
        drop(held);
    };
    let (late, ()) = tokio::join!(rig.relayed(&fenced, b"second"), taking);
    assert!(matches!(late, Err(UploadError::Superseded { .. })), "{late:?}");

    let in_files = i64::from(rig.database.is_none());
    assert_eq!(rig.leftovers().await.bytes, 1 + 2 * in_files);
    let swept = Swept { epochs: in_files as u64, ..Swept::default() };
    assert_eq!(sweep_all(rig).await, swept);
    assert_eq!(rig.leftovers().await.bytes, 1 + in_files);

    let now = rig.stat(upload.id).await.unwrap();
    let now = rig.relayed(&now, b"third").await.unwrap();
    let complete = rig.finish(&now).await.unwrap();
    assert_eq!(sweep_all(rig).await, Swept::default());
    assert_eq!(rig.leftovers().await.bytes, 2);
    rig.check_content(&complete, b"first third").await;
}

async fn a_chunk_under_way_when_its_upload_expires_leaves_nothing(rig: &Rig) {
    let impatient = rig.impatient_backend();
    let upload = impatient.create(&rig.call, described(None), First::Part(body(b"1"))).await.unwrap();
    let mut held = rig.blobs.hold(At::Finish);
    let sweeping = async {
        held.reached().await;
        assert_eq!(sweep_all(rig).await, Swept { uploads: 1, blobs: 1, epochs: 0 });
        drop(held);
    };
    let (late, ()) = tokio::join!(rig.relayed(&upload, b"2"), sweeping);
    assert!(matches!(late, Err(UploadError::Gone)), "{late:?}");
    sweep_all(rig).await;
    assert_eq!(rig.leftovers().await, nothing_but(1));
}

/// Its bytes are in the folder, its record is not made yet; then it goes on.
#[tokio::test]
async fn a_creation_whose_bytes_were_swept_is_gone_and_leaves_nothing() {
    let rig = Rig::on_sqlite_and_a_folder().await;
    let new = described(Some(5));
    rig.blobs.script(At::Finish, [Fault::AnswerLost]);
    rig.uploads.create(&rig.call, new.clone(), first_chunk(b"12345")).await.unwrap_err();
    let mut sweeper = rig.sweeper();
    let mut swept = Swept::default();
    // Once without a record is not enough.
    sweeper.search(&mut swept).await.unwrap();
    assert_eq!((swept, rig.leftovers().await.bytes), (Swept::default(), 1));

    let mut held = rig.blobs.hold(At::Finish);
    let sweeping = async {
        held.reached().await;
        sweeper.search(&mut swept).await.unwrap();
        assert_eq!((swept.blobs, rig.leftovers().await), (1, nothing_but(1)));
        drop(held);
    };
    let (late, ()) =
        tokio::join!(rig.uploads.create(&rig.call, new.clone(), first_chunk(b"12345")), sweeping);
    assert!(matches!(late, Err(UploadError::Gone)), "{late:?}");
    assert!(matches!(rig.stat(new.id).await, Err(UploadError::Gone)));
    sweep_all(&rig).await;
    assert_eq!(rig.leftovers().await, nothing_but(1));
    rig.check_budget();
}

/// A slow one is let be: its bytes are found before its record is made, and again afterwards.
#[tokio::test]
async fn a_creation_that_comes_to_its_end_between_two_sweeps_is_no_stray() {
    let rig = Rig::on_sqlite_and_a_folder().await;
    let (mut sweeper, mut swept, new) = (rig.sweeper(), Swept::default(), described(Some(5)));
    rig.blobs.script(At::Finish, [Fault::AnswerLost]);
    rig.uploads.create(&rig.call, new.clone(), first_chunk(b"12345")).await.unwrap_err();
    sweeper.search(&mut swept).await.unwrap();
    let created = rig.uploads.create(&rig.call, new, first_chunk(b"12345")).await.unwrap();
    for _ in 0..2 {
        sweeper.search(&mut swept).await.unwrap();
    }
    assert_eq!(swept, Swept::default());
    rig.check_content(&created, b"12345").await;
}

/// Everything at once on a few uploads; what was acknowledged is there, and with the last record goes the last byte.
async fn racing_requests_and_sweeps_leave_nothing_behind(rig: &Rig) {
    let (impatient, other) = (rig.impatient_backend(), rig.another_backend());
    let ids: Vec<NewUpload> = (0..6).map(|_| described(None)).collect();
    let done = RefCell::new(0);
    let act = async |actor: u64| {
        let mut random = fastrand::Rng::with_seed(actor);
        for _ in 0..12 {
            let new = &ids[random.usize(..ids.len())];
            let backend = [&rig.uploads, &impatient, &other][random.usize(..3)];
            let bytes = sample(new.id.as_uuid().as_u128() as u64, random.usize(1..3000));
            let outcome = match random.u8(..10) {
                0..=2 => backend.create(&rig.call, new.clone(), first_chunk(&bytes)).await.map(drop),
                3..=7 => match backend.stat(&rig.call, new.id).await {
                    Ok(now) => {
                        backend.append(&rig.call, new.id, claims(now.offset), body(&bytes)).await.map(drop)
                    }
                    Err(error) => Err(error),
                },
                8 => backend.terminate(&rig.call, new.id).await,
                _ => match backend.stat(&rig.call, new.id).await {
                    Ok(now) => rig.finish(&now).await.map(drop),
                    Err(error) => Err(error),
                },
            };
            match outcome {
                Ok(()) => *done.borrow_mut() += 1,
                Err(
                    UploadError::Gone
                    | UploadError::NotFound
                    | UploadError::WrongOffset { .. }
                    | UploadError::Superseded { .. }
                    | UploadError::Complete { .. },
                ) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let sweeping = async {
        for _ in 0..6 {
            sweep_all(rig).await;
        }
    };
    tokio::join!(join_all((0..8).map(act)), sweeping, sweeping_too(rig));
    assert!(done.into_inner() > 0);

    for id in rig.listed().await {
        let upload = rig.stat(id).await.unwrap();
        let complete = match upload.completed_at {
            Some(_) => upload,
            None => rig.finish(&upload).await.unwrap(),
        };
        let content = rig.read(&complete, 0..complete.offset).await.unwrap();
        rig.check_content(&complete, &content).await;
    }
    sweep_all(rig).await;
    check_no_stray(rig).await;
    for id in rig.listed().await {
        rig.terminate(id).await.unwrap();
    }
    let tombstones = rig.leftovers().await.tombstones;
    assert_eq!(rig.leftovers().await, nothing_but(tombstones));
}

/// Two sweepers at once, as when one was stopped, and woke up.
async fn sweeping_too(rig: &Rig) {
    for _ in 0..6 {
        sweep_all(rig).await;
    }
}

/// Every file is one that an extent names.
pub(super) async fn check_no_stray(rig: &Rig) {
    let mut counted = Vec::new();
    for id in rig.listed().await {
        let extents = rig.catalog.extents(id, 0..u64::MAX >> 1).await.unwrap();
        counted.extend(extents.iter().map(|extent| BlobEpoch { blob: extent.blob, epoch: extent.epoch }));
    }
    counted.sort();
    counted.dedup();
    let mut stored: Vec<BlobEpoch> = rig.blobs.inventory().try_concat().await.unwrap();
    stored.sort();
    // Rows are no part of an inventory.
    if rig.keeps_files() {
        assert_eq!(stored, counted);
    }
}
