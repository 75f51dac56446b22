use super::*;
use crate::blobs::faulty::At;
use crate::domain::{Algorithm, Checksum, Concat};

on_both_stores!(
    bytes_whose_checksum_is_right_count,
    of_bytes_whose_checksum_is_wrong_none_count,
    what_came_before_a_body_broke_does_not_count_without_its_checksum,
    a_length_that_comes_with_a_wrong_checksum_is_not_declared,
    a_relays_pending_chunk_counts_with_the_next_that_does,
    a_chunk_that_is_pending_is_stored_once,
    a_chunk_fits_though_what_was_pending_before_it_counts_meanwhile,
    the_next_epoch_begins_where_what_counts_ends,
    pending_bytes_are_swept_when_their_epoch_is_lost,
    pending_bytes_are_removed_with_their_upload,
    pending_bytes_of_a_removed_part_are_swept_while_the_final_upload_lives_on_its_others,
);

fn checksum(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
    let length = [20, 32, 16, 4][Algorithm::ALL.iter().position(|known| *known == algorithm).unwrap()];
    let mut summing = algorithm.checksum(&vec![0; length]).unwrap().summing();
    summing.update(bytes);
    summing.finish()
}

fn checked(offset: u64, algorithm: Algorithm, bytes: &[u8]) -> Append {
    Append { checksum: Some(checksum(algorithm, bytes)), ..claims(offset) }
}

/// A relay's chunk behind what is pending, or in front of all if nothing is.
fn pending(upload: &Upload, count: usize) -> Append {
    Append { offset: upload.end(), pending: true, ..holds(upload, count) }
}

impl Rig {
    async fn pending(&self, upload: &Upload, bytes: &[u8]) -> Result<Upload, UploadError> {
        self.uploads.append(&self.call, upload.id, pending(upload, bytes.len()), body(bytes)).await
    }
}

/// The long one comes in several chunks.
async fn bytes_whose_checksum_is_right_count(rig: &Rig) {
    for (algorithm, size) in Algorithm::ALL.into_iter().zip([3 * MIB + 7, 100_000, 5, 0]) {
        let (upload, bytes) = (rig.begun(b"before ").await, sample(1, size));
        let append = checked(7, algorithm, &bytes);
        let appended = rig.uploads.append(&rig.call, upload.id, append, body(&bytes)).await.unwrap();
        assert_eq!((appended.offset, appended.pending), (7 + size as u64, None));
        rig.check_holds_just(upload.id, &[b"before ", bytes.as_slice()].concat()).await;
    }
}

async fn of_bytes_whose_checksum_is_wrong_none_count(rig: &Rig) {
    for size in [3 * MIB + 7, 5, 0] {
        let (upload, bytes) = (rig.begun(b"before ").await, sample(1, size));
        let other = checked(7, Algorithm::Sha1, b"other bytes");
        let refused = rig.uploads.append(&rig.call, upload.id, other, body(&bytes)).await;
        assert!(matches!(refused, Err(UploadError::WrongChecksum)), "{refused:?}");
        assert_eq!(rig.stat(upload.id).await.unwrap().offset, 7);
        // Sent again they do.
        let append = checked(7, Algorithm::Sha1, &bytes);
        rig.uploads.append(&rig.call, upload.id, append, body(&bytes)).await.unwrap();
        rig.check_holds_just(upload.id, &[b"before ", bytes.as_slice()].concat()).await;
    }
}

async fn what_came_before_a_body_broke_does_not_count_without_its_checksum(rig: &Rig) {
    let (upload, bytes) = (rig.begun(b"before ").await, sample(1, 3 * MIB));
    let append = checked(7, Algorithm::Md5, &bytes);
    let cut = rig.uploads.append(&rig.call, upload.id, append, cut_short(&bytes[..2 * MIB])).await;
    assert!(matches!(cut, Err(UploadError::Body(BodyError::CutShort))), "{cut:?}");
    assert_eq!(rig.stat(upload.id).await.unwrap().offset, 7);
    rig.check_holds_just(upload.id, b"before ").await;
}

async fn a_length_that_comes_with_a_wrong_checksum_is_not_declared(rig: &Rig) {
    let upload = rig.begun(b"before ").await;
    let wrong = Append { length: Some(7), ..checked(7, Algorithm::Sha1, b"x") };
    let refused = rig.uploads.append(&rig.call, upload.id, wrong, body(b"")).await;
    assert!(matches!(refused, Err(UploadError::WrongChecksum)), "{refused:?}");
    assert_eq!(rig.stat(upload.id).await.unwrap().length, None);
    let right = Append { length: Some(12), ..checked(7, Algorithm::Sha1, b"after") };
    let complete = rig.uploads.append(&rig.call, upload.id, right, body(b"after")).await.unwrap();
    rig.check_content(&complete, b"before after").await;
}

async fn a_relays_pending_chunk_counts_with_the_next_that_does(rig: &Rig) {
    let mut upload = rig.begun(b"before ").await;
    let (bytes, half) = (sample(1, 3 * MIB), MIB + 100);
    upload = rig.pending(&upload, &bytes[..half]).await.unwrap();
    upload = rig.pending(&upload, &bytes[half..2 * half]).await.unwrap();
    assert_eq!((upload.offset, upload.pending), (7, Some(7 + 2 * half as u64)));
    let rest = &bytes[2 * half..];
    let append = Append { offset: upload.end(), ..holds(&upload, rest.len()) };
    rig.another_backend().append(&rig.call, upload.id, append, body(rest)).await.unwrap();
    rig.check_holds_just(upload.id, &[b"before ", bytes.as_slice()].concat()).await;
}

/// Of one that was sent twice the second is refused, where it would have to be if the first was stored.
async fn a_chunk_that_is_pending_is_stored_once(rig: &Rig) {
    let upload = rig.begun(b"before ").await;
    let held = rig.pending(&upload, b"12345").await.unwrap();
    let again = rig.pending(&upload, b"12345").await;
    let expected =
        matches!(again, Err(UploadError::WrongOffset { offset: 12, epoch }) if epoch == upload.epoch);
    assert!(expected, "{again:?}");
    let counts = Append { offset: 12, ..holds(&upload, 0) };
    for _ in 0..2 {
        let counted = rig.uploads.append(&rig.call, held.id, counts, body(b"")).await.unwrap();
        assert_eq!((counted.offset, counted.pending), (12, None));
    }
    rig.check_holds_just(upload.id, b"before 12345").await;
}

async fn a_chunk_fits_though_what_was_pending_before_it_counts_meanwhile(rig: &Rig) {
    let upload = rig.begun(b"1234567").await;
    rig.pending(&upload, b"89abc").await.unwrap();
    let behind = Upload { pending: Some(12), ..upload.clone() };
    let (behind, bytes) = (Append { offset: 12, ..holds(&behind, 3 * MIB) }, sample(1, 3 * MIB));
    let mut held = rig.blobs.hold(At::Finish);
    let counting = async {
        held.reached().await;
        let nothing = Append { count: Some(0), ..behind };
        let counted = rig.another_backend().append(&rig.call, upload.id, nothing, body(b"")).await.unwrap();
        assert_eq!((counted.offset, counted.pending), (12, None));
        drop(held);
    };
    let appending = rig.uploads.append(&rig.call, upload.id, behind, body(&bytes));
    let (appended, ()) = tokio::join!(appending, counting);
    assert_eq!(appended.unwrap().offset, 12 + bytes.len() as u64);
    rig.check_holds_just(upload.id, &[b"123456789abc", bytes.as_slice()].concat()).await;
}

async fn the_next_epoch_begins_where_what_counts_ends(rig: &Rig) {
    let upload = rig.begun(b"before ").await;
    let held = rig.pending(&upload, &sample(1, MIB)).await.unwrap();
    let appended = rig.append(&upload, b"other").await.unwrap();
    assert_eq!((appended.offset, appended.pending), (12, None));
    let late = rig.pending(&held, b"late").await;
    assert!(matches!(late, Err(UploadError::Superseded { .. })), "{late:?}");
    rig.check_holds_just(upload.id, b"before other").await;
}

async fn pending_bytes_are_swept_when_their_epoch_is_lost(rig: &Rig) {
    let upload = rig.begun(b"before ").await;
    let before = rig.leftovers().await;
    // The creation's epoch has bytes that count, in a folder in the same file.
    let upload = rig.append(&upload, b"").await.unwrap();
    rig.pending(&upload, &sample(1, MIB)).await.unwrap();
    let mut sweeper = rig.sweeper();
    sweep(&mut sweeper).await;
    assert_eq!(rig.leftovers().await.pending, 1, "it was swept too early");
    let upload = rig.append(&upload, b"").await.unwrap();
    // What has no bytes any more is forgotten by the second.
    for _ in 0..2 {
        sweep(&mut sweeper).await;
    }
    let after = rig.leftovers().await;
    assert_eq!((after.pending, after.segments, after.bytes), (0, before.segments, before.bytes));
    rig.check_holds_just(upload.id, b"before ").await;
}

async fn pending_bytes_are_removed_with_their_upload(rig: &Rig) {
    let upload = rig.begun(b"before ").await;
    rig.pending(&upload, &sample(1, MIB)).await.unwrap();
    rig.terminate(upload.id).await.unwrap();
    sweep(&mut rig.sweeper()).await;
    assert_eq!(rig.leftovers().await, Leftovers { tombstones: 1, ..Leftovers::default() });
}

/// The blob of the part stays, since the final upload refers to it.
async fn pending_bytes_of_a_removed_part_are_swept_while_the_final_upload_lives_on_its_others(rig: &Rig) {
    let new = NewUpload { concat: Some(Concat::Partial), ..described(Some(5)) };
    let part = rig.uploads.create(&rig.call, new, First::Nothing).await.unwrap();
    let part = rig.append(&part, b"").await.unwrap();
    rig.pending(&part, b"wrong").await.unwrap();
    let part = rig.append(&part, b"right").await.unwrap();
    let concat = Some(Concat::Final { urls: format!("/files/{}", part.id) });
    let new = NewUpload { concat, parts: vec![part.id], ..described(None) };
    let joined = rig.uploads.create(&rig.call, new, First::Nothing).await.unwrap();
    rig.terminate(part.id).await.unwrap();
    let mut sweeper = rig.sweeper();
    for _ in 0..2 {
        sweep(&mut sweeper).await;
    }
    let after = rig.leftovers().await;
    assert_eq!((after.pending, after.bytes, after.blobs), (0, 1, 1));
    assert_eq!(rig.read(&joined, 0..5).await.unwrap(), b"right");
}

async fn sweep(sweeper: &mut Sweeper) {
    let mut swept = Swept::default();
    sweeper.sweep(&mut swept).await.unwrap();
    sweeper.search(&mut swept).await.unwrap();
}
