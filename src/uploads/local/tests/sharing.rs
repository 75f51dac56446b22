//! Equal content: how much room it takes, and who may go first.

use super::sweeping::{nothing_but, sweep_all};
use super::*;
use crate::blobs::faulty::{At, Fault};
use crate::catalog::faulty::{self, FaultyCatalog};
use futures_util::future::join_all;
use std::cell::{Cell, RefCell};

on_both_stores!(
    equal_content_takes_the_room_of_one_and_goes_with_the_last,
    a_shared_upload_whose_answer_was_lost_is_answered_when_it_is_sent_again,
    what_comes_late_to_a_shared_upload_is_swept_and_the_upload_stays,
    racing_uploads_and_removals_of_equal_content_leave_nothing_amiss,
);

async fn equal_content_takes_the_room_of_one_and_goes_with_the_last(rig: &Rig) {
    let content = sample(1, 2 * MIB + 5);
    let (first, second) = content.split_at(MIB);
    let create = async || rig.create(None, First::Whole(body(&content))).await.unwrap();
    let mut uploads = vec![create().await];
    let one = rig.leftovers().await;
    for _ in 0..3 {
        uploads.push(create().await);
        let begun = rig.begun(first).await;
        let whole = rig.append(&begun, second).await.unwrap();
        uploads.push(rig.finish(&whole).await.unwrap());
    }
    sweep_all(rig).await;
    let all = rig.leftovers().await;
    assert_eq!((all.uploads, all.blobs, all.bytes), (7, one.blobs, one.bytes));
    // The second goes first, and the one that brought the bytes somewhere between.
    for turn in 1..=uploads.len() {
        let upload = uploads.swap_remove(turn % uploads.len());
        rig.check_content(&upload, &content).await;
        rig.terminate(upload.id).await.unwrap();
        for other in &uploads {
            rig.check_content(other, &content).await;
        }
    }
    assert_eq!(rig.leftovers().await, nothing_but(7));
}

async fn a_shared_upload_whose_answer_was_lost_is_answered_when_it_is_sent_again(rig: &Rig) {
    rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    let catalog = FaultyCatalog::new(rig.catalog.clone());
    let uploads = backend(2, Arc::new(catalog.clone()), Arc::new(rig.blobs.clone()), rig.budget.clone());
    let new = described(Some(5));
    let create = async || uploads.create(&rig.call, new.clone(), first_chunk(b"12345")).await;
    catalog.script(faulty::At::Create, [Fault::AnswerLost]);
    create().await.unwrap_err();
    // Its own bytes are gone by then, and come once more.
    for _ in 0..2 {
        sweep_all(rig).await;
        rig.check_content(&create().await.unwrap(), b"12345").await;
    }
    let begun = rig.begun(b"123").await;
    let append = async || uploads.append(&rig.call, begun.id, last(&begun, 2), body(b"45")).await;
    catalog.script(faulty::At::Append, [Fault::AnswerLost]);
    append().await.unwrap_err();
    let again = append().await;
    assert!(matches!(again, Err(UploadError::Complete { .. })), "{again:?}");
    rig.check_content(&rig.stat(begun.id).await.unwrap(), b"12345").await;
    sweep_all(rig).await;
    let left = rig.leftovers().await;
    assert_eq!((left.uploads, left.blobs, left.bytes), (3, 1, 1));
}

/// A relay's chunk with which the upload ends.
fn last(upload: &Upload, count: usize) -> Append {
    Append { length: Some(upload.offset + count as u64), ..holds(upload, count) }
}

async fn what_comes_late_to_a_shared_upload_is_swept_and_the_upload_stays(rig: &Rig) {
    let first = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    let begun = rig.begun(b"123").await;
    let mut held = rig.blobs.hold(At::Write);
    let sharing = async {
        held.reached().await;
        let whole = rig.append(&begun, b"45").await.unwrap();
        rig.finish(&whole).await.unwrap();
        sweep_all(rig).await;
        drop(held);
    };
    let (late, ()) = tokio::join!(rig.relayed(&begun, b"45"), sharing);
    assert!(matches!(late, Err(UploadError::Complete { .. } | UploadError::Superseded { .. })), "{late:?}");
    let in_files = i64::from(rig.keeps_files());
    assert_eq!(rig.leftovers().await.bytes, 1 + in_files);
    assert_eq!(sweep_all(rig).await, Swept { blobs: in_files as u64, ..Swept::default() });
    let left = rig.leftovers().await;
    assert_eq!((left.bytes, left.blobs, left.tombstones), (1, 1, 0));
    for id in [first.id, begun.id] {
        rig.check_content(&rig.stat(id).await.unwrap(), b"12345").await;
    }
}

#[tokio::test]
async fn what_comes_late_to_a_shared_upload_is_swept_and_the_upload_stays_on_postgres_and_a_folder() {
    let rig = Rig::on_postgres_and_a_folder().await;
    what_comes_late_to_a_shared_upload_is_swept_and_the_upload_stays(&rig).await;
    rig.check_budget();
}

#[tokio::test]
async fn racing_uploads_and_removals_of_equal_content_leave_nothing_amiss_on_postgres_and_a_folder() {
    let rig = Rig::on_postgres_and_a_folder().await;
    racing_uploads_and_removals_of_equal_content_leave_nothing_amiss(&rig).await;
    rig.check_budget();
}

/// Counted references that are wrong; extents of which the blob is not there, or is doomed; contents that are stored more than
/// once.
const AMISS: &str = "SELECT
     (SELECT count(*) FROM blobs WHERE refs <> (SELECT count(*) FROM
       (SELECT id, blob_id FROM uploads UNION SELECT upload_id, blob_id FROM extents) AS referring
       WHERE referring.blob_id = blobs.id)),
     (SELECT count(*) FROM extents WHERE NOT EXISTS
       (SELECT 1 FROM blobs WHERE blobs.id = extents.blob_id AND refs > 0)),
     (SELECT count(*) FROM (SELECT 1 FROM uploads JOIN extents ON upload_id = uploads.id WHERE sha256 IS NOT NULL
       GROUP BY sha256, uploads.length_bytes HAVING count(DISTINCT extents.blob_id) > 1) AS repeated)";

const ACTORS: u64 = 16;
const ACTS: usize = 25;

/// A few contents, uploaded and removed on three backends by sixteen at once, while two sweep.
async fn racing_uploads_and_removals_of_equal_content_leave_nothing_amiss(rig: &Rig) {
    let backends = [rig.uploads.clone(), rig.another_backend(), backend_of(rig, 4)];
    let contents = [sample(1, 3), sample(2, 3000), sample(3, MIB + 3)];
    // Those that are complete and that nobody is about to remove.
    let complete: RefCell<Vec<(Upload, usize)>> = RefCell::default();
    let act = async |actor: u64| {
        let mut random = fastrand::Rng::with_seed(actor);
        for _ in 0..ACTS {
            let uploads = random.choice(&backends).unwrap();
            let alive = complete.borrow().len();
            let taken = random.choice(0..alive).map(|nth| complete.borrow_mut().swap_remove(nth));
            match (taken, random.u8(..8)) {
                (Some((upload, _)), 0..=1) => uploads.terminate(&rig.call, upload.id).await.unwrap(),
                (Some((upload, content)), 2..=3) => {
                    rig.check_content(&upload, &contents[content]).await;
                    complete.borrow_mut().push((upload, content));
                }
                (taken, way) => {
                    complete.borrow_mut().extend(taken);
                    let content = random.usize(..contents.len());
                    let upload = upload_in_some_way(uploads, &rig.call, way, &contents[content]).await;
                    complete.borrow_mut().push((upload, content));
                }
            }
        }
    };
    let acting = Cell::new(true);
    let act_all = async {
        join_all((0..ACTORS).map(act)).await;
        acting.set(false);
    };
    let sweep = async || {
        // A creation whose bytes have no record yet is none that came to nothing.
        let blobs = Arc::new(rig.blobs.clone());
        let (mut sweeper, mut swept) = (Sweeper::new(rig.catalog.clone(), blobs, TTL), Swept::default());
        while acting.get() {
            sweeper.sweep(&mut swept).await.unwrap();
            sweeper.search(&mut swept).await.unwrap();
        }
    };
    tokio::join!(act_all, sweep(), sweep());

    sweep_all(rig).await;
    assert_eq!(rig.numbers(AMISS).await, [0, 0, 0]);
    super::sweeping::check_no_stray(rig).await;
    let complete = complete.into_inner();
    assert!(complete.len() > contents.len());
    for (upload, content) in &complete {
        rig.check_content(upload, &contents[*content]).await;
    }
    for (upload, _) in &complete {
        rig.terminate(upload.id).await.unwrap();
    }
    sweep_all(rig).await;
    let tombstones = rig.leftovers().await.tombstones;
    assert_eq!(rig.leftovers().await, nothing_but(tombstones));
}

fn backend_of(rig: &Rig, number: u64) -> LocalUploads {
    backend(number, rig.catalog.clone(), Arc::new(rig.blobs.clone()), rig.budget.clone())
}

/// In one chunk, in two epochs, or in three, the last of which brings nothing but the length.
async fn upload_in_some_way(uploads: &LocalUploads, call: &Call, way: u8, content: &[u8]) -> Upload {
    let length = content.len() as u64;
    if way == 7 {
        return uploads.create(call, described(Some(length)), first_chunk(content)).await.unwrap();
    }
    let (first, second) = content.split_at(content.len() / 2);
    let begun = uploads.create(call, described(None), First::Part(body(first))).await.unwrap();
    let rest = Append { length: (way == 6).then_some(length), ..claims(begun.offset) };
    let whole = uploads.append(call, begun.id, rest, body(second)).await.unwrap();
    match whole.completed_at {
        Some(_) => whole,
        None => {
            let declared = Append { length: Some(length), ..claims(length) };
            uploads.append(call, begun.id, declared, body(b"")).await.unwrap()
        }
    }
}
