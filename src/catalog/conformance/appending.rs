use super::{TTL, append, bytes, conflict, create, create_whole, last_bytes, new_upload, race};
use crate::catalog::{Advance, Catalog, CatalogError};
use crate::db::Staged;
use crate::domain::{BlobId, ContainerId, Epoch, Extent, Segment, State, UploadId};
use std::sync::Arc;

pub(super) async fn all(catalog: &Arc<dyn Catalog>) {
    creation_is_idempotent(&**catalog).await;
    a_small_file_is_one_call(&**catalog).await;
    an_empty_file_is_complete(&**catalog).await;
    what_is_found_is_what_was_answered(&**catalog).await;
    an_unknown_upload_is_not_found(&**catalog).await;
    an_append_that_brings_the_last_bytes_completes(&**catalog).await;
    an_append_at_another_offset_is_a_conflict(&**catalog).await;
    a_claim_fences_every_earlier_epoch(&**catalog).await;
    a_claim_that_comes_late_fences_nobody(&**catalog).await;
    a_claim_needs_the_offset_and_an_incomplete_upload(&**catalog).await;
    an_upload_is_written_until_its_writer_says_that_no_more_will_come(&**catalog).await;
    an_upload_that_comes_with_its_first_chunk_is_written_if_more_will_come(&**catalog).await;
    what_is_complete_is_not_written(&**catalog).await;
    a_deferred_length_is_declared_once(&**catalog).await;
    bytes_past_the_length_are_a_conflict(&**catalog).await;
    an_append_puts_the_expiry_off(&**catalog).await;
    a_long_upload_leaves_few_rows(&**catalog).await;
    extents_tell_the_epoch_and_are_cut_to_the_range(&**catalog).await;
    of_racing_appends_exactly_one_counts(catalog).await;
    of_racing_creations_exactly_one_counts(catalog).await;
    racing_writers_leave_no_gap_and_no_overlap(catalog).await;
}

async fn creation_is_idempotent(catalog: &dyn Catalog) {
    let new = new_upload(Some(10));
    let created = create(catalog, &new).await;
    assert_eq!((created.offset, created.epoch, created.state()), (0, Epoch::FIRST, State::Receiving));
    assert_eq!((created.id, &created.filename, created.length), (new.id, &new.filename, new.length));
    assert_eq!((&created.content_type, &created.metadata), (&new.content_type, &new.metadata));
    let again = catalog.create(&new, Some(&last_bytes(0, 10)), Staged::Durable, TTL).await;
    assert_eq!(conflict(again), created);
}

async fn a_small_file_is_one_call(catalog: &dyn Catalog) {
    let (new, whole) = (new_upload(None), last_bytes(0, 5));
    let upload = catalog.create(&new, Some(&whole), Staged::Durable, TTL).await.unwrap();
    assert_eq!((upload.state(), upload.offset, upload.length), (State::Complete, 5, Some(5)));
    assert_eq!(upload.sha256, whole.sha256);
    assert_eq!(upload.expires_at, None);
    let all =
        Extent { offset: 0, length: 5, blob: BlobId(upload.id.as_uuid()), epoch: Epoch::FIRST, start: 0 };
    assert_eq!(catalog.extents(upload.id, 0..5).await.unwrap(), [all]);
    assert_eq!(catalog.segments(upload.id).await.unwrap().len(), 1);
}

async fn an_empty_file_is_complete(catalog: &dyn Catalog) {
    let upload = create_whole(catalog, &new_upload(Some(0)), 0).await;
    assert_eq!((upload.state(), upload.length), (State::Complete, Some(0)));
    assert!(catalog.extents(upload.id, 0..0).await.unwrap().is_empty());
    assert!(catalog.segments(upload.id).await.unwrap().is_empty());
}

async fn what_is_found_is_what_was_answered(catalog: &dyn Catalog) {
    let created = create(catalog, &new_upload(Some(9))).await;
    assert_eq!(catalog.find(created.id).await.unwrap().upload, created);
    let advance = bytes(0, 4);
    let appended = append(catalog, created.id, &advance).await.unwrap();
    let record = catalog.find(created.id).await.unwrap();
    assert_eq!(record.upload, appended);
    assert_eq!(record.digest.save(), advance.digest.save());
    let claimed = catalog.claim(created.id, 4, None).await.unwrap();
    assert_eq!(catalog.find(created.id).await.unwrap().upload, claimed);
}

async fn an_unknown_upload_is_not_found(catalog: &dyn Catalog) {
    let id = UploadId::mint();
    assert!(matches!(catalog.find(id).await, Err(CatalogError::NotFound)));
    assert!(matches!(catalog.find_with_extents(id, 0..5).await, Err(CatalogError::NotFound)));
    assert!(matches!(catalog.claim(id, 0, None).await, Err(CatalogError::NotFound)));
    assert!(matches!(append(catalog, id, &bytes(0, 1)).await, Err(CatalogError::NotFound)));
    assert!(matches!(catalog.terminate(id).await, Err(CatalogError::NotFound)));
}

pub(super) async fn an_append_that_brings_the_last_bytes_completes(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    let halfway = append(catalog, id, &bytes(0, 4)).await.unwrap();
    assert_eq!((halfway.offset, halfway.state()), (4, State::Receiving));
    let last = last_bytes(4, 6);
    let complete = append(catalog, id, &last).await.unwrap();
    assert_eq!((complete.offset, complete.state()), (10, State::Complete));
    assert_eq!(complete.sha256, last.sha256);
    assert_eq!(complete.expires_at, None);
    let more = append(catalog, id, &bytes(10, 1)).await;
    assert_eq!(conflict(more), complete);
}

async fn an_append_at_another_offset_is_a_conflict(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    let appended = append(catalog, id, &bytes(0, 4)).await.unwrap();
    for from in [0, 3, 5] {
        assert_eq!(conflict(append(catalog, id, &bytes(from, 1)).await), appended, "at {from}");
    }
    assert_eq!(catalog.extents(id, 0..10).await.unwrap().len(), 1);
    assert_eq!(catalog.segments(id).await.unwrap().len(), 1);
}

async fn a_claim_fences_every_earlier_epoch(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    append(catalog, id, &bytes(0, 4)).await.unwrap();
    let claimed = catalog.claim(id, 4, None).await.unwrap();
    assert_eq!((claimed.epoch, claimed.offset), (Epoch(2), 4));
    assert_eq!(conflict(append(catalog, id, &bytes(4, 1)).await), claimed);
    let next = Advance { epoch: Epoch(3), ..bytes(4, 1) };
    assert_eq!(conflict(append(catalog, id, &next).await), claimed);
    let holder = Advance { epoch: Epoch(2), ..bytes(4, 1) };
    assert_eq!(append(catalog, id, &holder).await.unwrap().offset, 5);
}

async fn a_claim_that_comes_late_fences_nobody(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    let claimed = catalog.claim(id, 0, Some(Epoch::FIRST)).await.unwrap();
    assert_eq!(claimed.epoch, Epoch(2));
    assert_eq!(conflict(catalog.claim(id, 0, Some(Epoch::FIRST)).await), claimed);
    assert_eq!(catalog.find(id).await.unwrap().upload, claimed);
}

async fn a_claim_needs_the_offset_and_an_incomplete_upload(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    assert_eq!(conflict(catalog.claim(id, 1, None).await).epoch, Epoch::FIRST);
    let complete = append(catalog, id, &last_bytes(0, 10)).await.unwrap();
    assert_eq!(conflict(catalog.claim(id, 10, None).await), complete);
}

async fn an_upload_is_written_until_its_writer_says_that_no_more_will_come(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    assert!(!is_written(catalog, id).await, "nobody has begun to write");
    for (offset, last_count) in [(0, 5), (10, 0)] {
        let epoch = catalog.claim(id, offset, None).await.unwrap().epoch;
        assert!(is_written(catalog, id).await, "whoever takes an epoch is about to write");
        append(catalog, id, &Advance { epoch, more: true, ..bytes(offset, 5) }).await.unwrap();
        assert!(is_written(catalog, id).await);
        // What comes of an epoch that is lost says nothing of who writes now.
        conflict(append(catalog, id, &Advance { epoch: Epoch::FIRST, ..bytes(offset + 5, 5) }).await);
        assert!(is_written(catalog, id).await);
        append(catalog, id, &Advance { epoch, ..bytes(offset + 5, last_count) }).await.unwrap();
        assert!(!is_written(catalog, id).await);
    }
}

async fn an_upload_that_comes_with_its_first_chunk_is_written_if_more_will_come(catalog: &dyn Catalog) {
    for more in [true, false] {
        let (new, first) = (new_upload(Some(10)), Advance { more, ..bytes(0, 5) });
        catalog.create(&new, Some(&first), Staged::Durable, TTL).await.unwrap();
        assert_eq!(is_written(catalog, new.id).await, more);
    }
}

async fn what_is_complete_is_not_written(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    append(catalog, id, &Advance { more: true, ..last_bytes(0, 10) }).await.unwrap();
    assert!(!is_written(catalog, id).await);
}

async fn is_written(catalog: &dyn Catalog, id: UploadId) -> bool {
    catalog.find(id).await.unwrap().written
}

async fn a_deferred_length_is_declared_once(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(None)).await.id;
    assert_eq!(append(catalog, id, &bytes(0, 3)).await.unwrap().length, None);
    let declared = append(catalog, id, &Advance { length: Some(8), ..bytes(3, 0) }).await.unwrap();
    assert_eq!((declared.length, declared.offset), (Some(8), 3));
    let other = append(catalog, id, &Advance { length: Some(9), ..bytes(3, 1) }).await;
    assert_eq!(conflict(other), declared);
    let same = append(catalog, id, &Advance { length: Some(8), ..bytes(3, 1) }).await.unwrap();
    assert_eq!((same.length, same.offset), (Some(8), 4));
    assert_eq!(catalog.extents(id, 0..9).await.unwrap().len(), 1);
}

async fn bytes_past_the_length_are_a_conflict(catalog: &dyn Catalog) {
    let known = create(catalog, &new_upload(Some(3))).await;
    assert_eq!(conflict(append(catalog, known.id, &bytes(0, 4)).await), known);
    let deferred = create(catalog, &new_upload(None)).await;
    let declared = Advance { length: Some(3), ..bytes(0, 4) };
    assert_eq!(conflict(append(catalog, deferred.id, &declared).await), deferred);
}

async fn an_append_puts_the_expiry_off(catalog: &dyn Catalog) {
    let created = create(catalog, &new_upload(Some(10))).await;
    assert_eq!(created.expires_at.unwrap() - created.created_at, TTL);
    let appended = append(catalog, created.id, &bytes(0, 1)).await.unwrap();
    assert!(appended.expires_at > created.expires_at);
}

/// Two backends take turns within one epoch: one extent, and segments only where the pair changes.
async fn a_long_upload_leaves_few_rows(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(1000))).await.id;
    let (here, there) = (ContainerId::from_bits(1), ContainerId::from_bits(2));
    let segment = |offset, length, backend_container_id| Segment {
        offset,
        length,
        backend_container_id,
        frontend_container_id: Some(there),
    };
    for (chunk, backend) in [here, here, here, there, here].into_iter().enumerate() {
        let advance = Advance { backend, frontend: Some(there), ..bytes(chunk as u64 * 5, 5) };
        append(catalog, id, &advance).await.unwrap();
    }
    let expected = [segment(0, 15, here), segment(15, 5, there), segment(20, 5, here)];
    assert_eq!(catalog.segments(id).await.unwrap(), expected);
    assert_eq!(catalog.extents(id, 0..1000).await.unwrap().len(), 1);
    // Another request of the same pair: the segments a reader sees are merged across epochs.
    catalog.claim(id, 25, None).await.unwrap();
    let advance = Advance { epoch: Epoch(2), backend: here, frontend: Some(there), ..bytes(25, 5) };
    append(catalog, id, &advance).await.unwrap();
    assert_eq!(catalog.segments(id).await.unwrap()[2], segment(20, 10, here));
    assert_eq!(catalog.extents(id, 0..1000).await.unwrap().len(), 2);
}

async fn extents_tell_the_epoch_and_are_cut_to_the_range(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(30))).await.id;
    append(catalog, id, &bytes(0, 10)).await.unwrap();
    catalog.claim(id, 10, None).await.unwrap();
    append(catalog, id, &Advance { epoch: Epoch(2), ..bytes(10, 10) }).await.unwrap();
    append(catalog, id, &Advance { epoch: Epoch(2), ..bytes(20, 5) }).await.unwrap();
    let extent = |offset, length, epoch| Extent {
        offset,
        length,
        blob: BlobId(id.as_uuid()),
        epoch: Epoch(epoch),
        start: offset,
    };
    assert_eq!(catalog.extents(id, 0..25).await.unwrap(), [extent(0, 10, 1), extent(10, 15, 2)]);
    assert_eq!(catalog.extents(id, 5..12).await.unwrap(), [extent(5, 5, 1), extent(10, 2, 2)]);
    assert_eq!(catalog.extents(id, 10..11).await.unwrap(), [extent(10, 1, 2)]);
    assert_eq!(catalog.extents(id, 25..30).await.unwrap(), []);
    let (record, found) = catalog.find_with_extents(id, 5..12).await.unwrap();
    assert_eq!(record.upload, catalog.find(id).await.unwrap().upload);
    assert_eq!(found, [extent(0, 10, 1), extent(10, 15, 2)], "whole");
}

/// 16 at once: at the beginning, where each would write the first row of the upload, and later, where each would make the
/// last one longer.
async fn of_racing_appends_exactly_one_counts(catalog: &Arc<dyn Catalog>) {
    let id = create(&**catalog, &new_upload(Some(100))).await.id;
    for from in [0, 5] {
        let outcomes = race(16, |_| {
            let catalog = catalog.clone();
            async move { append(&*catalog, id, &bytes(from, 5)).await }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "at {from}: {lost:?}");
        assert!(lost.into_iter().all(|outcome| conflict(outcome).offset == from + 5));
    }
    let extents = catalog.extents(id, 0..100).await.unwrap();
    assert_eq!(extents.iter().map(|extent| extent.length).sum::<u64>(), 10);
}

async fn of_racing_creations_exactly_one_counts(catalog: &Arc<dyn Catalog>) {
    let (new, whole) = (new_upload(Some(5)), last_bytes(0, 5));
    let outcomes = race(8, |_| {
        let (catalog, new, whole) = (catalog.clone(), new.clone(), whole.clone());
        async move { catalog.create(&new, Some(&whole), Staged::Durable, TTL).await }
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{lost:?}");
    assert!(lost.into_iter().all(|outcome| conflict(outcome).state() == State::Complete));
}

/// Writers that claim, append a few chunks and are fenced by one another, as requests that supersede each other do.
async fn racing_writers_leave_no_gap_and_no_overlap(catalog: &Arc<dyn Catalog>) {
    let id = create(&**catalog, &new_upload(None)).await.id;
    race(6, |writer| {
        let catalog = catalog.clone();
        async move {
            for _ in 0..5 {
                let offset = catalog.find(id).await.unwrap().upload.offset;
                let Ok(claimed) = catalog.claim(id, offset, None).await else { continue };
                for chunk in 0..3 {
                    let backend = ContainerId::from_bits(writer);
                    let advance = Advance { epoch: claimed.epoch, backend, ..bytes(offset + chunk * 5, 5) };
                    match append(&*catalog, id, &advance).await {
                        Ok(_) => {}
                        Err(CatalogError::Conflict(_)) => break,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
        }
    })
    .await;
    let offset = catalog.find(id).await.unwrap().upload.offset;
    assert!(offset > 0);
    let covered = catalog.extents(id, 0..offset + 100).await.unwrap().into_iter().fold(0, |end, extent| {
        assert_eq!(extent.offset, end);
        assert_eq!(extent.start, extent.offset);
        extent.end()
    });
    assert_eq!(covered, offset);
    let told = catalog.segments(id).await.unwrap().into_iter().fold(0, |end, segment| {
        assert_eq!(segment.offset, end);
        end + segment.length
    });
    assert_eq!(told, offset);
}
