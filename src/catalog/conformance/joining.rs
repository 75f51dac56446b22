mod expiring;
mod racing;

use super::{TTL, append, bytes, conflict, create, create_whole, doomed, in_pieces, last_bytes, new_upload};
use crate::catalog::{Advance, Catalog, CatalogError, Progress};
use crate::domain::{
    BlobId, Concat, ContainerId, Digest, Epoch, Extent, Listing, NewUpload, PartFault, Segment, SortKey,
    State, Upload, UploadId,
};
use std::sync::Arc;

const LIMIT: u64 = 1000;

pub(super) async fn all(catalog: &Arc<dyn Catalog>) {
    complete_parts_are_joined_as_the_final_upload_is_created(&**catalog).await;
    a_part_may_occur_twice_and_in_several(&**catalog).await;
    a_final_upload_waits_for_its_parts(&**catalog).await;
    a_digest_that_the_first_part_has_is_known_at_once(&**catalog).await;
    the_creation_of_a_final_upload_is_idempotent(&**catalog).await;
    what_cannot_be_a_part_is_refused(&**catalog).await;
    parts_in_too_many_pieces_are_refused(&**catalog).await;
    a_complete_part_stays_longer_than_an_incomplete_upload(&**catalog).await;
    parts_that_are_too_large_together_are_refused(&**catalog).await;
    nobody_writes_to_a_final_upload(&**catalog).await;
    bytes_stay_as_long_as_a_final_upload_refers_to_them(&**catalog).await;
    expiring::a_complete_part_expires_unless_a_final_upload_waits_for_others(&**catalog).await;
    expiring::a_final_upload_expires_once_a_part_is_gone(&**catalog).await;
    parts_are_listed_only_when_asked_for(&**catalog).await;
    a_digest_goes_on_from_where_it_was_and_from_nowhere_else(&**catalog).await;
    racing::of_joins_at_once_one_counts(catalog).await;
    racing::joining_and_removing_a_part_at_once_lose_no_byte(catalog).await;
    racing::a_part_that_is_completed_at_any_moment_is_joined(catalog).await;
}

pub(super) fn partial(length: Option<u64>) -> NewUpload {
    NewUpload { concat: Some(Concat::Partial), ..new_upload(length) }
}

pub(super) fn final_of(parts: &[UploadId]) -> NewUpload {
    let urls: Vec<String> = parts.iter().map(|part| format!("/files/{part}")).collect();
    let concat = Some(Concat::Final { urls: urls.join(" ") });
    NewUpload { concat, parts: parts.to_vec(), ..new_upload(None) }
}

pub(super) async fn part(catalog: &dyn Catalog, size: u64) -> UploadId {
    create_whole(catalog, &partial(None), size).await.id
}

async fn join(catalog: &dyn Catalog, parts: &[UploadId]) -> Upload {
    catalog.create_final(&final_of(parts), LIMIT, TTL).await.unwrap()
}

fn own(id: UploadId) -> BlobId {
    BlobId(id.as_uuid())
}

/// Removes these and forgets their blobs, so that nothing is left for the tests after this one.
async fn remove(catalog: &dyn Catalog, ids: &[UploadId]) -> Vec<BlobId> {
    let mut freed = Vec::new();
    for id in ids {
        freed.extend(catalog.terminate(*id).await.unwrap());
    }
    catalog.forget(&freed).await.unwrap();
    freed
}

/// With segments of several backends and extents of several epochs.
async fn complete_parts_are_joined_as_the_final_upload_is_created(catalog: &dyn Catalog) {
    let first = create(catalog, &partial(Some(10))).await.id;
    append(catalog, first, &bytes(0, 4)).await.unwrap();
    catalog.claim(first, 4, None).await.unwrap();
    let backend = ContainerId::from_bits(2);
    append(catalog, first, &Advance { epoch: Epoch(2), backend, ..last_bytes(4, 6) }).await.unwrap();
    let (empty, second) = (part(catalog, 0).await, part(catalog, 5).await);

    let new = final_of(&[first, empty, second]);
    let joined = catalog.create_final(&new, LIMIT, TTL).await.unwrap();
    assert_eq!((joined.state(), joined.offset, joined.length), (State::Complete, 15, Some(15)));
    assert_eq!((joined.sha256, joined.expires_at, joined.epoch), (None, None, Epoch::FIRST));
    assert_eq!((&joined.concat, &joined.metadata), (&new.concat, &new.metadata));
    assert_eq!(catalog.find(new.id).await.unwrap().upload, joined);
    let extent = |offset, length, id, epoch, start| {
        let epoch = Epoch(epoch);
        Extent { offset, length, blob: own(id), epoch, start }
    };
    let extents = [extent(0, 4, first, 1, 0), extent(4, 6, first, 2, 4), extent(10, 5, second, 1, 0)];
    assert_eq!(catalog.extents(new.id, 0..15).await.unwrap(), extents);
    let segment = |offset, length, backend| Segment {
        offset,
        length,
        backend_container_id: ContainerId::from_bits(backend),
        frontend_container_id: None,
    };
    let segments = [segment(0, 4, 1), segment(4, 6, 2), segment(10, 5, 1)];
    assert_eq!(catalog.segments(new.id).await.unwrap(), segments);
    remove(catalog, &[first, empty, second, new.id]).await;
}

async fn a_part_may_occur_twice_and_in_several(catalog: &dyn Catalog) {
    let (a, b) = (part(catalog, 3).await, part(catalog, 2).await);
    let joined = join(catalog, &[a, b, a]).await;
    let other = join(catalog, &[b, a]).await;
    let extents = catalog.extents(joined.id, 0..8).await.unwrap();
    let found: Vec<_> = extents.iter().map(|e| (e.offset, e.length, e.blob, e.start)).collect();
    assert_eq!(found, [(0, 3, own(a), 0), (3, 2, own(b), 0), (5, 3, own(a), 0)]);
    assert_eq!(remove(catalog, &[a, joined.id, b]).await, []);
    let mut freed = remove(catalog, &[other.id]).await;
    freed.sort();
    assert_eq!(freed, [own(a), own(b)]);
}

async fn a_final_upload_waits_for_its_parts(catalog: &dyn Catalog) {
    let (ready, deferred) = (part(catalog, 3).await, create(catalog, &partial(None)).await.id);
    let new = final_of(&[deferred, ready]);
    let waiting = catalog.create_final(&new, LIMIT, TTL).await.unwrap();
    assert_eq!((waiting.state(), waiting.length, waiting.offset), (State::Receiving, None, 0));
    assert!(waiting.expires_at.is_some());
    assert_eq!(catalog.join(new.id, LIMIT).await.unwrap(), waiting);
    append(catalog, deferred, &Advance { length: Some(4), ..bytes(0, 1) }).await.unwrap();
    assert_eq!(catalog.join(new.id, LIMIT).await.unwrap(), Upload { length: Some(7), ..waiting.clone() });
    assert_eq!(catalog.find(new.id).await.unwrap().upload.length, Some(7));
    assert!(!catalog.joinable(None, 100).await.unwrap().contains(&new.id));

    append(catalog, deferred, &last_bytes(1, 3)).await.unwrap();
    assert_eq!(catalog.finals_of(deferred, 100).await.unwrap(), [new.id]);
    assert_eq!(catalog.joinable(None, 100).await.unwrap(), [new.id]);
    assert_eq!(catalog.joinable(Some(new.id), 100).await.unwrap(), []);
    let joined = catalog.join(new.id, LIMIT).await.unwrap();
    assert_eq!((joined.state(), joined.offset), (State::Complete, 7));
    assert_eq!(catalog.join(new.id, LIMIT).await.unwrap(), joined);
    assert_eq!(catalog.finals_of(deferred, 100).await.unwrap(), []);
    assert_eq!(catalog.joinable(None, 100).await.unwrap(), []);

    let ordinary = create(catalog, &new_upload(Some(5))).await;
    assert_eq!(catalog.join(ordinary.id, LIMIT).await.unwrap(), ordinary);
    assert!(matches!(catalog.join(UploadId::mint(), LIMIT).await, Err(CatalogError::NotFound)));
    remove(catalog, &[ready, deferred, new.id, ordinary.id]).await;
    assert!(matches!(catalog.join(new.id, LIMIT).await, Err(CatalogError::Gone)));
}

async fn a_digest_that_the_first_part_has_is_known_at_once(catalog: &dyn Catalog) {
    let (empty, whole) = (part(catalog, 0).await, part(catalog, 5).await);
    let joined = [
        (join(catalog, &[empty, whole, empty]).await, whole),
        (join(catalog, &[empty, empty]).await, empty),
        (join(catalog, &[whole]).await, whole),
    ];
    for (upload, part) in &joined {
        let part = catalog.find(*part).await.unwrap().upload;
        assert_eq!((upload.offset, upload.sha256), (part.offset, part.sha256));
    }
    assert_eq!(catalog.undigested(None, 10).await.unwrap(), []);
    let joined = joined.map(|(upload, _)| upload.id);
    remove(catalog, &joined).await;
    remove(catalog, &[empty, whole]).await;
}

async fn the_creation_of_a_final_upload_is_idempotent(catalog: &dyn Catalog) {
    let (a, b) = (part(catalog, 1).await, create(catalog, &partial(Some(2))).await.id);
    let new = final_of(&[a, b]);
    let waiting = catalog.create_final(&new, LIMIT, TTL).await.unwrap();
    assert_eq!(waiting.length, Some(3));
    assert_eq!(conflict(catalog.create_final(&new, LIMIT, TTL).await), waiting);
    // Also once its parts are gone.
    append(catalog, b, &last_bytes(0, 2)).await.unwrap();
    let joined = catalog.join(new.id, LIMIT).await.unwrap();
    remove(catalog, &[a, b]).await;
    assert_eq!(conflict(catalog.create_final(&new, LIMIT, TTL).await), joined);
    remove(catalog, &[new.id]).await;
    assert!(matches!(catalog.create_final(&new, LIMIT, TTL).await, Err(CatalogError::Gone)));
}

async fn what_cannot_be_a_part_is_refused(catalog: &dyn Catalog) {
    let (good, removed) = (part(catalog, 1).await, part(catalog, 1).await);
    remove(catalog, &[removed]).await;
    let ordinary = create_whole(catalog, &new_upload(None), 1).await.id;
    let joined = join(catalog, &[good]).await.id;
    let unknown = UploadId::mint();
    for (bad, expected) in [
        (removed, PartFault::Missing),
        (unknown, PartFault::Missing),
        (ordinary, PartFault::NotPartial),
        (joined, PartFault::NotPartial),
    ] {
        let new = final_of(&[good, bad]);
        match catalog.create_final(&new, LIMIT, TTL).await {
            Err(CatalogError::BadPart { part, fault }) => assert_eq!((part, fault), (bad, expected)),
            other => panic!("{other:?}"),
        }
        assert!(matches!(catalog.find(new.id).await, Err(CatalogError::NotFound)));
    }
    assert_eq!(catalog.finals_of(good, 100).await.unwrap(), []);
    remove(catalog, &[good, ordinary, joined]).await;
}

async fn parts_that_are_too_large_together_are_refused(catalog: &dyn Catalog) {
    let (a, b) = (part(catalog, LIMIT - 1).await, create(catalog, &partial(Some(2))).await.id);
    let new = final_of(&[a, b]);
    let refused = catalog.create_final(&new, LIMIT, TTL).await;
    assert!(matches!(refused, Err(CatalogError::TooLarge { limit: LIMIT })), "{refused:?}");
    assert!(matches!(catalog.find(new.id).await, Err(CatalogError::NotFound)));

    // It may turn out later.
    let deferred = create(catalog, &partial(None)).await.id;
    let new = final_of(&[a, deferred]);
    let waiting = catalog.create_final(&new, LIMIT, TTL).await.unwrap();
    append(catalog, deferred, &last_bytes(0, 2)).await.unwrap();
    let refused = catalog.join(new.id, LIMIT).await;
    assert!(matches!(refused, Err(CatalogError::TooLarge { limit: LIMIT })), "{refused:?}");
    assert_eq!(catalog.find(new.id).await.unwrap().upload, waiting);
    remove(catalog, &[a, b, deferred, new.id]).await;
}

async fn a_complete_part_stays_longer_than_an_incomplete_upload(catalog: &dyn Catalog) {
    let whole = create_whole(catalog, &partial(None), 5).await;
    let begun = create(catalog, &partial(None)).await;
    append(catalog, begun.id, &bytes(0, 3)).await.unwrap();
    let appended = append(catalog, begun.id, &last_bytes(3, 2)).await.unwrap();
    for part in [&whole, &appended] {
        assert_eq!(part.expires_at.unwrap() - part.completed_at.unwrap(), TTL * 7);
    }
    remove(catalog, &[whole.id, begun.id]).await;
}

async fn parts_in_too_many_pieces_are_refused(catalog: &dyn Catalog) {
    let part = in_pieces(catalog, &partial(None), 200).await;
    let epoch = catalog.find(part).await.unwrap().upload.epoch;
    append(catalog, part, &Advance { epoch, ..last_bytes(200, 0) }).await.unwrap();
    let new = final_of(&vec![part; 101]);
    let refused = catalog.create_final(&new, u64::MAX >> 1, TTL).await;
    assert!(matches!(refused, Err(CatalogError::TooManyPieces { limit: 20_000 })), "{refused:?}");
    assert!(matches!(catalog.find(new.id).await, Err(CatalogError::NotFound)));
    let most = final_of(&vec![part; 100]);
    let joined = catalog.create_final(&most, u64::MAX >> 1, TTL).await.unwrap();
    assert_eq!((joined.state(), joined.offset), (State::Complete, 20_000));
    remove(catalog, &[part, most.id]).await;
}

async fn nobody_writes_to_a_final_upload(catalog: &dyn Catalog) {
    let (ready, late) = (part(catalog, 1).await, create(catalog, &partial(Some(1))).await.id);
    let (joined, waiting) = (join(catalog, &[ready]).await, join(catalog, &[ready, late]).await);
    for upload in [&joined, &waiting] {
        assert_eq!(&conflict(catalog.claim(upload.id, upload.offset, None).await), upload);
        assert_eq!(&conflict(append(catalog, upload.id, &bytes(upload.offset, 1)).await), upload);
    }
    assert_eq!(catalog.extents(waiting.id, 0..10).await.unwrap(), []);
    remove(catalog, &[ready, late, joined.id, waiting.id]).await;
}

async fn bytes_stay_as_long_as_a_final_upload_refers_to_them(catalog: &dyn Catalog) {
    let (a, b) = (part(catalog, 3).await, part(catalog, 4).await);
    let joined = join(catalog, &[a, b]).await;
    for id in [a, b] {
        assert_eq!(catalog.terminate(id).await.unwrap(), []);
    }
    assert!(!doomed(catalog).await.iter().any(|blob| [own(a), own(b)].contains(blob)));
    assert_eq!(catalog.extents(joined.id, 0..7).await.unwrap().len(), 2);
    let mut freed = catalog.terminate(joined.id).await.unwrap();
    freed.sort();
    assert_eq!(freed, [own(a), own(b)]);
    catalog.forget(&freed).await.unwrap();
}

async fn parts_are_listed_only_when_asked_for(catalog: &dyn Catalog) {
    let (complete, incomplete) = (part(catalog, 1).await, create(catalog, &partial(None)).await.id);
    let joined = join(catalog, &[complete]).await.id;
    let listing = Listing {
        limit: 100,
        after: None,
        search: String::new(),
        sort: SortKey::Created,
        descending: true,
        incomplete_too: false,
    };
    let listed = async |listing: &Listing| {
        let page = catalog.list(listing).await.unwrap();
        page.uploads.iter().map(|upload| upload.id).collect::<Vec<_>>()
    };
    let usual = listed(&listing).await;
    assert!(usual.contains(&joined) && !usual.contains(&complete) && !usual.contains(&incomplete));
    let all = listed(&Listing { incomplete_too: true, ..listing }).await;
    assert!([joined, complete, incomplete].iter().all(|id| all.contains(id)));
    remove(catalog, &[complete, incomplete, joined]).await;
}

async fn a_digest_goes_on_from_where_it_was_and_from_nowhere_else(catalog: &dyn Catalog) {
    let (a, b) = (part(catalog, 3).await, part(catalog, 4).await);
    let (first, second) = (join(catalog, &[a, b]).await, join(catalog, &[b, a]).await);
    let [one, two] = &catalog.undigested(None, 10).await.unwrap()[..] else { panic!() };
    assert_eq!((one.id, one.length, one.digested, Some(one.since)), (first.id, 7, 3, first.completed_at));
    assert_eq!((two.id, two.digested), (second.id, 4));
    assert_eq!(one.state, bytes(0, 3).digest.save());
    assert_eq!(catalog.undigested(Some(one), 10).await.unwrap(), std::slice::from_ref(two));
    assert_eq!(catalog.undigested(None, 1).await.unwrap(), std::slice::from_ref(one));

    let progress = |end| Progress::Upto(end, bytes(0, end).digest);
    catalog.digested(one.id, 3, &progress(5)).await.unwrap();
    // Somebody else was there before.
    catalog.digested(one.id, 3, &progress(4)).await.unwrap();
    catalog.digested(one.id, 3, &Progress::Done(Digest::default().finish())).await.unwrap();
    let now = catalog.undigested(None, 1).await.unwrap();
    assert_eq!((now[0].digested, &now[0].state), (5, &bytes(0, 5).digest.save()));
    let sum = bytes(0, 7).digest.finish();
    catalog.digested(one.id, 5, &Progress::Done(sum)).await.unwrap();
    for late in [progress(6), Progress::Done(Digest::default().finish())] {
        catalog.digested(one.id, 5, &late).await.unwrap();
    }
    let done = catalog.find(one.id).await.unwrap().upload;
    assert_eq!(done, Upload { sha256: Some(sum), ..first });
    assert_eq!(catalog.undigested(None, 10).await.unwrap(), std::slice::from_ref(two));
    remove(catalog, &[a, b, one.id, two.id]).await;
    catalog.digested(two.id, 4, &progress(5)).await.unwrap();
    assert_eq!(catalog.undigested(None, 10).await.unwrap(), []);
}
