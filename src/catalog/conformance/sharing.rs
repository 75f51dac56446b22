use super::{TTL, append, bytes, conflict, create, doomed, in_pieces, last_bytes, new_upload, race};
use crate::catalog::{Advance, Catalog, CatalogError, Strays};
use crate::db::Staged;
use crate::domain::{
    BlobEpoch, BlobId, ContainerId, Epoch, Extent, NewUpload, Segment, State, Upload, UploadId,
};
use std::sync::Arc;

pub(super) async fn all(catalog: &Arc<dyn Catalog>) {
    equal_content_is_stored_once(&**catalog).await;
    what_lies_in_very_many_pieces_is_nobodys_twin(&**catalog).await;
    what_differs_in_digest_or_length_is_not_shared(&**catalog).await;
    what_is_empty_or_incomplete_is_not_shared(&**catalog).await;
    who_shares_keeps_its_own_segments(&**catalog).await;
    shared_bytes_go_with_the_last_record_that_refers_to_them(&**catalog).await;
    what_was_shared_answers_a_replay_as_before(&**catalog).await;
    a_late_writer_of_a_shared_upload_is_refused(&**catalog).await;
    a_completion_that_is_refused_shares_nothing(&**catalog).await;
    lost_epochs_of_shared_bytes_are_strays(&**catalog).await;
    a_record_is_not_buried_with_bytes_that_came_late_to_it(&**catalog).await;
    of_racing_uploads_of_equal_content_one_is_stored(catalog).await;
    who_shares_never_refers_to_what_is_removed_at_once(catalog).await;
}

fn own(id: UploadId) -> BlobId {
    BlobId(id.as_uuid())
}

fn stored(id: UploadId, epoch: i64) -> BlobEpoch {
    BlobEpoch { blob: own(id), epoch: Epoch(epoch) }
}

/// An upload with this content, created whole.
async fn whole(catalog: &dyn Catalog, content: &Advance) -> Upload {
    catalog.create(&new_upload(None), Some(content), Staged::Durable, TTL).await.unwrap()
}

/// An upload of 10 bytes, 4 of which are there, in two epochs.
async fn begun(catalog: &dyn Catalog) -> UploadId {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    append(catalog, id, &bytes(0, 1)).await.unwrap();
    catalog.claim(id, 1, None).await.unwrap();
    append(catalog, id, &Advance { epoch: Epoch(2), ..bytes(1, 3) }).await.unwrap();
    id
}

/// What brings an upload that was [`begun`] to this content.
fn rest(content: &Advance) -> Advance {
    Advance { epoch: Epoch(2), sha256: content.sha256, ..last_bytes(4, 6) }
}

async fn extents(catalog: &dyn Catalog, id: UploadId) -> Vec<Extent> {
    catalog.extents(id, 0..1000).await.unwrap()
}

async fn equal_content_is_stored_once(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    let first = begun(catalog).await;
    append(catalog, first, &rest(&content)).await.unwrap();
    let stored = extents(catalog, first).await;
    assert_eq!(
        stored.iter().map(|extent| (extent.blob, extent.epoch.0)).collect::<Vec<_>>(),
        [(own(first), 1), (own(first), 2)]
    );

    let whole = whole(catalog, &content).await.id;
    let in_parts = begun(catalog).await;
    append(catalog, in_parts, &rest(&content)).await.unwrap();
    // Its end is declared when all its bytes are there.
    let declared = create(catalog, &new_upload(None)).await.id;
    append(catalog, declared, &bytes(0, 10)).await.unwrap();
    append(catalog, declared, &Advance { sha256: content.sha256, ..last_bytes(10, 0) }).await.unwrap();
    // Some of it is pending until the last chunk counts.
    let checked = create(catalog, &new_upload(None)).await.id;
    append(catalog, checked, &Advance { pending: true, ..bytes(0, 4) }).await.unwrap();
    let last = Advance { offset: 0, sha256: content.sha256, ..last_bytes(4, 6) };
    append(catalog, checked, &last).await.unwrap();
    for id in [whole, in_parts, declared, checked] {
        let upload = catalog.find(id).await.unwrap().upload;
        assert_eq!((upload.state(), upload.offset, upload.sha256), (State::Complete, 10, content.sha256));
        assert_eq!(extents(catalog, id).await, stored);
        assert!(doomed(catalog).await.contains(&own(id)));
    }
    assert_eq!(extents(catalog, first).await, stored);
    assert!(!doomed(catalog).await.contains(&own(first)));
}

/// Taking it over would take too long.
async fn what_lies_in_very_many_pieces_is_nobodys_twin(catalog: &dyn Catalog) {
    for (pieces, shared) in [(1000, true), (1001, false)] {
        let content = last_bytes(0, pieces);
        let first = in_pieces(catalog, &new_upload(None), pieces).await;
        let epoch = catalog.find(first).await.unwrap().upload.epoch;
        let end = Advance { epoch, sha256: content.sha256, ..last_bytes(pieces, 0) };
        append(catalog, first, &end).await.unwrap();
        let second = whole(catalog, &content).await.id;
        let extents = catalog.extents(second, 0..pieces).await.unwrap();
        assert_eq!(extents[0].blob == own(first), shared, "{pieces}");
    }
}

async fn what_differs_in_digest_or_length_is_not_shared(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    let longer = Advance { sha256: content.sha256, ..last_bytes(0, 11) };
    for content in [content, longer, last_bytes(0, 10)] {
        let id = whole(catalog, &content).await.id;
        assert!(extents(catalog, id).await.iter().all(|extent| extent.blob == own(id)));
    }
}

async fn what_is_empty_or_incomplete_is_not_shared(catalog: &dyn Catalog) {
    let empty = last_bytes(0, 0);
    for _ in 0..2 {
        let id = whole(catalog, &empty).await.id;
        assert!(!doomed(catalog).await.contains(&own(id)));
        assert_eq!(catalog.terminate(id).await.unwrap(), [own(id)]);
    }
    let content = last_bytes(0, 10);
    let incomplete = create(catalog, &new_upload(None)).await.id;
    append(catalog, incomplete, &bytes(0, 10)).await.unwrap();
    let complete = whole(catalog, &content).await.id;
    assert_eq!(extents(catalog, complete).await[0].blob, own(complete));
    assert_eq!(extents(catalog, incomplete).await[0].blob, own(incomplete));
}

async fn who_shares_keeps_its_own_segments(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    whole(catalog, &content).await;
    let (backend, frontend) = (ContainerId::from_bits(7), Some(ContainerId::from_bits(8)));
    let id = begun(catalog).await;
    append(catalog, id, &Advance { backend, frontend, ..rest(&content) }).await.unwrap();
    let segment = |offset, length, backend_container_id, frontend_container_id| Segment {
        offset,
        length,
        backend_container_id,
        frontend_container_id,
    };
    let expected = [segment(0, 4, ContainerId::from_bits(1), None), segment(4, 6, backend, frontend)];
    assert_eq!(catalog.segments(id).await.unwrap(), expected);
}

/// In whatever order they are removed.
async fn shared_bytes_go_with_the_last_record_that_refers_to_them(catalog: &dyn Catalog) {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let content = last_bytes(0, 10);
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(whole(catalog, &content).await.id);
        }
        assert_eq!(catalog.terminate(ids[order[0]]).await.unwrap(), []);
        assert_eq!(catalog.terminate(ids[order[1]]).await.unwrap(), []);
        assert_eq!(extents(catalog, ids[order[2]]).await[0].blob, own(ids[0]));
        assert_eq!(catalog.terminate(ids[order[2]]).await.unwrap(), [own(ids[0])]);
        // What comes after them is stored anew.
        let next = whole(catalog, &content).await.id;
        assert_eq!(extents(catalog, next).await[0].blob, own(next));
    }
}

async fn what_was_shared_answers_a_replay_as_before(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    whole(catalog, &content).await;
    let new = new_upload(None);
    let created = catalog.create(&new, Some(&content), Staged::Durable, TTL).await.unwrap();
    let id = begun(catalog).await;
    let appended = append(catalog, id, &rest(&content)).await.unwrap();
    let before = [extents(catalog, created.id).await, extents(catalog, id).await];
    // Also when its own bytes are deleted and forgotten.
    for _ in 0..2 {
        let again = catalog.create(&new, Some(&content), Staged::Durable, TTL).await;
        assert_eq!(conflict(again), created);
        assert_eq!(conflict(append(catalog, id, &rest(&content)).await), appended);
        assert_eq!([extents(catalog, created.id).await, extents(catalog, id).await], before);
        catalog.forget(&doomed(catalog).await).await.unwrap();
        assert_eq!(doomed(catalog).await, []);
    }
}

async fn a_late_writer_of_a_shared_upload_is_refused(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    let twin = whole(catalog, &content).await.id;
    let id = begun(catalog).await;
    let complete = append(catalog, id, &rest(&content)).await.unwrap();
    let late = [bytes(1, 3), bytes(4, 6), rest(&content), Advance { epoch: Epoch(1), ..rest(&content) }];
    for late in late {
        assert_eq!(conflict(append(catalog, id, &late).await), complete);
    }
    assert_eq!(conflict(catalog.claim(id, 10, None).await), complete);
    assert_eq!(extents(catalog, id).await, extents(catalog, twin).await);
}

async fn a_completion_that_is_refused_shares_nothing(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    let twin = whole(catalog, &content).await.id;
    let id = begun(catalog).await;
    let before = extents(catalog, id).await;
    let fenced = Advance { epoch: Epoch(1), ..rest(&content) };
    let too_long = Advance { sha256: content.sha256, length: Some(10), epoch: Epoch(2), ..bytes(3, 7) };
    for refused in [fenced, too_long] {
        conflict(append(catalog, id, &refused).await);
    }
    assert_eq!(extents(catalog, id).await, before);
    assert_eq!(catalog.terminate(twin).await.unwrap(), [own(twin)]);
    assert_eq!(catalog.terminate(id).await.unwrap(), [own(id)]);
}

async fn lost_epochs_of_shared_bytes_are_strays(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    let first = begun(catalog).await;
    for _ in 0..2 {
        catalog.claim(first, 4, None).await.unwrap();
    }
    append(catalog, first, &Advance { epoch: Epoch(4), ..rest(&content) }).await.unwrap();
    let other = whole(catalog, &content).await.id;
    let all: Vec<_> = (1..=4).map(|epoch| stored(first, epoch)).collect();
    let lost = Strays { lost: vec![all[2]], unknown: vec![] };
    // Two refer to the blob; then only the other one does, and an epoch that was never taken can be lost too.
    assert_eq!(catalog.strays(&all).await.unwrap(), lost);
    catalog.terminate(first).await.unwrap();
    assert_eq!(catalog.strays(&all).await.unwrap(), lost);
    assert_eq!(catalog.strays(&[stored(first, 5)]).await.unwrap().lost, [stored(first, 5)]);
    // What was given up goes as a whole.
    assert_eq!(catalog.strays(&[stored(other, 1)]).await.unwrap(), Strays::default());
}

async fn a_record_is_not_buried_with_bytes_that_came_late_to_it(catalog: &dyn Catalog) {
    let content = last_bytes(0, 10);
    whole(catalog, &content).await;
    let new = new_upload(None);
    let shared = catalog.create(&new, Some(&content), Staged::Durable, TTL).await.unwrap();
    let late = stored(shared.id, 1);
    catalog.forget(&[late.blob]).await.unwrap();
    assert_eq!(catalog.strays(&[late]).await.unwrap().unknown, [late.blob]);
    assert_eq!(catalog.condemn(&[late.blob]).await.unwrap(), [late.blob]);
    assert!(doomed(catalog).await.contains(&late.blob));
    let again = catalog.create(&new, Some(&content), Staged::Durable, TTL).await;
    assert_eq!(conflict(again), shared);
    catalog.forget(&[late.blob]).await.unwrap();
    // Nothing that it would have given up a second time is doomed with it.
    assert_eq!(catalog.terminate(shared.id).await.unwrap(), []);
}

/// Created whole, or brought to their end.
async fn of_racing_uploads_of_equal_content_one_is_stored(catalog: &Arc<dyn Catalog>) {
    for _ in 0..10 {
        let content = last_bytes(0, 10);
        let mut ids = Vec::new();
        for _ in 0..8 {
            ids.push(begun(&**catalog).await);
        }
        let uploads = race(16, |n| {
            let (catalog, content, id) = (catalog.clone(), content.clone(), ids.get(n as usize).copied());
            async move {
                match id {
                    Some(id) => append(&*catalog, id, &rest(&content)).await.unwrap().id,
                    None => whole(&*catalog, &content).await.id,
                }
            }
        })
        .await;
        let stored = extents(&**catalog, uploads[0]).await;
        let doomed = doomed(&**catalog).await;
        for id in &uploads {
            assert_eq!(extents(&**catalog, *id).await, stored);
            assert_eq!(doomed.contains(&own(*id)), own(*id) != stored[0].blob);
        }
    }
}

/// Four records of one content: while two are removed, others of it are created.
async fn who_shares_never_refers_to_what_is_removed_at_once(catalog: &Arc<dyn Catalog>) {
    for _ in 0..20 {
        let content = last_bytes(0, 10);
        let mut ids = Vec::new();
        for _ in 0..2 {
            ids.push(whole(&**catalog, &content).await.id);
        }
        let created = race(6, |n| {
            let (catalog, content, id) = (catalog.clone(), content.clone(), ids.get(n as usize).copied());
            async move {
                match id {
                    Some(id) => catalog.terminate(id).await.map(|_| None),
                    None => whole_or_error(&*catalog, &new_upload(None), &content).await.map(Some),
                }
            }
        })
        .await;
        let created: Vec<UploadId> = created.into_iter().filter_map(|outcome| outcome.unwrap()).collect();
        let blob = extents(&**catalog, created[0]).await[0].blob;
        assert!(!doomed(&**catalog).await.contains(&blob));
        for id in &created {
            assert_eq!(extents(&**catalog, *id).await[0].blob, blob);
        }
        let (last, others) = created.split_last().unwrap();
        for id in others {
            assert_eq!(catalog.terminate(*id).await.unwrap(), []);
        }
        assert_eq!(catalog.terminate(*last).await.unwrap(), [blob]);
    }
}

async fn whole_or_error(
    catalog: &dyn Catalog,
    new: &NewUpload,
    content: &Advance,
) -> Result<UploadId, CatalogError> {
    catalog.create(new, Some(content), Staged::Durable, TTL).await.map(|upload| upload.id)
}
