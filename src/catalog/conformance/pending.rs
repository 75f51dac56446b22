//! Bytes that do not count before a later chunk of their epoch does.

use super::{TTL, append, bytes, conflict, create, last_bytes, new_upload};
use crate::catalog::{Advance, Catalog};
use crate::domain::{BlobEpoch, BlobId, Epoch, State, UploadId};
use std::time::Duration;

pub(super) async fn all(catalog: &dyn Catalog) {
    pending_bytes_move_no_offset_and_are_no_content(catalog).await;
    a_chunk_that_counts_makes_all_pending_before_it_count(catalog).await;
    pending_bytes_count_without_more_of_them(catalog).await;
    a_pending_chunk_without_bytes_leaves_nothing_pending(catalog).await;
    a_chunk_goes_behind_what_is_pending_and_nowhere_else(catalog).await;
    pending_bytes_end_with_their_epoch(catalog).await;
    an_upload_with_pending_bytes_is_written_until_its_writer_says_that_no_more_will_come(catalog).await;
    pending_bytes_past_the_length_are_a_conflict(catalog).await;
    pending_bytes_put_the_expiry_off(catalog).await;
    pending_bytes_are_no_strays_before_the_next_epoch(catalog).await;
}

/// `count` bytes (all of them `x`) at `from`, behind an offset of `offset`.
fn pending(offset: u64, from: u64, count: u64) -> Advance {
    Advance { offset, pending: true, ..bytes(from, count) }
}

async fn pending_bytes_move_no_offset_and_are_no_content(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    append(catalog, id, &bytes(0, 5)).await.unwrap();
    for (from, count) in [(5, 3), (8, 4)] {
        let upload = append(catalog, id, &pending(5, from, count)).await.unwrap();
        assert_eq!((upload.offset, upload.pending), (5, Some(from + count)));
        let found = catalog.find(id).await.unwrap();
        assert_eq!(found.upload, upload);
        assert_eq!(found.digest.finish(), bytes(from, count).digest.finish());
    }
    assert_eq!(extents(catalog, id, 100).await, [(0, 5, Epoch::FIRST)]);
    assert_eq!(segments(catalog, id).await, [(0, 5)]);
}

async fn a_chunk_that_counts_makes_all_pending_before_it_count(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    append(catalog, id, &bytes(0, 5)).await.unwrap();
    let epoch = catalog.claim(id, 5, None).await.unwrap().epoch;
    for from in [5, 10] {
        append(catalog, id, &Advance { epoch, ..pending(5, from, 5) }).await.unwrap();
    }
    let last = Advance { epoch, offset: 5, ..last_bytes(15, 2) };
    let upload = append(catalog, id, &last).await.unwrap();
    assert_eq!((upload.offset, upload.pending, upload.state()), (17, None, State::Complete));
    assert_eq!(upload.sha256, last.sha256);
    assert_eq!(catalog.find(id).await.unwrap().upload, upload);
    assert_eq!(extents(catalog, id, 17).await, [(0, 5, Epoch::FIRST), (5, 12, epoch)]);
    assert_eq!(segments(catalog, id).await, [(0, 17)]);
}

async fn pending_bytes_count_without_more_of_them(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    append(catalog, id, &pending(0, 0, 5)).await.unwrap();
    let upload = append(catalog, id, &Advance { offset: 0, ..bytes(5, 0) }).await.unwrap();
    assert_eq!((upload.offset, upload.pending), (5, None));
    assert_eq!(extents(catalog, id, 5).await, [(0, 5, Epoch::FIRST)]);
    assert_eq!(segments(catalog, id).await, [(0, 5)]);
    // What is not pending any more cannot be made to count again.
    assert_eq!(conflict(append(catalog, id, &Advance { offset: 0, ..bytes(5, 1) }).await), upload);
}

async fn a_pending_chunk_without_bytes_leaves_nothing_pending(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    let upload = append(catalog, id, &pending(0, 0, 0)).await.unwrap();
    assert_eq!((upload.offset, upload.pending), (0, None));
    append(catalog, id, &bytes(0, 5)).await.unwrap();
    append(catalog, id, &pending(5, 5, 5)).await.unwrap();
    let upload = append(catalog, id, &pending(5, 10, 0)).await.unwrap();
    assert_eq!((upload.offset, upload.pending), (5, Some(10)));
}

async fn a_chunk_goes_behind_what_is_pending_and_nowhere_else(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    let before = append(catalog, id, &pending(0, 0, 5)).await.unwrap();
    let elsewhere = [
        pending(0, 0, 5),
        pending(0, 4, 5),
        pending(0, 6, 5),
        pending(5, 5, 5),
        bytes(0, 5),
        bytes(5, 5),
        Advance { offset: 0, ..bytes(4, 5) },
        Advance { offset: 0, ..bytes(6, 5) },
    ];
    for advance in elsewhere {
        assert_eq!(conflict(append(catalog, id, &advance).await), before, "{advance:?}");
    }
    append(catalog, id, &pending(0, 5, 5)).await.unwrap();
}

async fn pending_bytes_end_with_their_epoch(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    append(catalog, id, &pending(0, 0, 5)).await.unwrap();
    let claimed = catalog.claim(id, 0, None).await.unwrap();
    assert_eq!((claimed.offset, claimed.pending), (0, None));
    let epoch = claimed.epoch;
    // Neither does the old epoch go on, nor the new one where that was.
    conflict(append(catalog, id, &pending(0, 5, 5)).await);
    conflict(append(catalog, id, &Advance { offset: 0, ..bytes(5, 5) }).await);
    conflict(append(catalog, id, &Advance { epoch, ..pending(0, 5, 5) }).await);
    let last = Advance { epoch, ..last_bytes(0, 3) };
    let upload = append(catalog, id, &last).await.unwrap();
    assert_eq!(upload.sha256, last.sha256);
    assert_eq!(extents(catalog, id, 3).await, [(0, 3, epoch)]);
    assert_eq!(segments(catalog, id).await, [(0, 3)]);
}

async fn an_upload_with_pending_bytes_is_written_until_its_writer_says_that_no_more_will_come(
    catalog: &dyn Catalog,
) {
    let id = create(catalog, &new_upload(None)).await.id;
    let is_written = async || catalog.find(id).await.unwrap().written;
    append(catalog, id, &Advance { more: true, ..pending(0, 0, 5) }).await.unwrap();
    assert!(is_written().await);
    // They stay pending: their checksum was wrong, or never came.
    append(catalog, id, &pending(0, 5, 0)).await.unwrap();
    assert!(!is_written().await);
    append(catalog, id, &Advance { more: true, ..pending(0, 5, 5) }).await.unwrap();
    append(catalog, id, &Advance { offset: 0, ..bytes(10, 0) }).await.unwrap();
    assert!(!is_written().await);
}

async fn pending_bytes_past_the_length_are_a_conflict(catalog: &dyn Catalog) {
    let before = create(catalog, &new_upload(Some(5))).await;
    assert_eq!(conflict(append(catalog, before.id, &pending(0, 0, 6)).await), before);
    let held = append(catalog, before.id, &pending(0, 0, 5)).await.unwrap();
    // All is there, and does not count.
    assert_eq!((held.offset, held.state()), (0, State::Receiving));
}

async fn pending_bytes_put_the_expiry_off(catalog: &dyn Catalog) {
    let new = new_upload(None);
    let created = catalog.create(&new, None, crate::db::Staged::Durable, Duration::ZERO).await.unwrap();
    let upload = append(catalog, new.id, &pending(0, 0, 5)).await.unwrap();
    assert!(upload.expires_at.unwrap() >= created.expires_at.unwrap() + TTL);
}

async fn pending_bytes_are_no_strays_before_the_next_epoch(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    append(catalog, id, &pending(0, 0, 5)).await.unwrap();
    let stored = BlobEpoch { blob: BlobId(id.as_uuid()), epoch: Epoch::FIRST };
    assert!(catalog.strays(&[stored]).await.unwrap().lost.is_empty());
    catalog.claim(id, 0, None).await.unwrap();
    assert_eq!(catalog.strays(&[stored]).await.unwrap().lost, [stored]);
}

async fn extents(catalog: &dyn Catalog, id: UploadId, end: u64) -> Vec<(u64, u64, Epoch)> {
    let extents = catalog.extents(id, 0..end).await.unwrap();
    assert!(extents.iter().all(|extent| extent.start == extent.offset));
    extents.iter().map(|extent| (extent.offset, extent.length, extent.epoch)).collect()
}

async fn segments(catalog: &dyn Catalog, id: UploadId) -> Vec<(u64, u64)> {
    let segments = catalog.segments(id).await.unwrap();
    segments.iter().map(|segment| (segment.offset, segment.length)).collect()
}
