use super::{TTL, append, bytes, create, create_whole, doomed, last_bytes, new_upload, race};
use crate::catalog::{Advance, Catalog, CatalogError, Strays};
use crate::db::Staged;
use crate::domain::{BlobEpoch, BlobId, Epoch, Upload, UploadId};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(super) async fn all(catalog: &Arc<dyn Catalog>) {
    an_expired_upload_is_removed(&**catalog).await;
    what_is_complete_or_was_appended_to_does_not_expire(&**catalog).await;
    at_most_as_many_expire_as_were_asked_for(&**catalog).await;
    of_an_append_and_the_expiry_at_once_one_wins(catalog).await;
    bytes_of_a_lost_epoch_are_strays(&**catalog).await;
    bytes_of_a_removed_upload_are_no_strays_while_they_are_doomed(&**catalog).await;
    an_upload_whose_bytes_were_condemned_cannot_be_created(&**catalog).await;
    a_blob_that_is_known_is_not_condemned(&**catalog).await;
    of_a_creation_and_its_condemnation_at_once_one_wins(catalog).await;
    tidying_leaves_what_is_still_asked_for(&**catalog).await;
    its_identity_stays(&**catalog).await;
    one_at_a_time_is_elected(&**catalog).await;
}

async fn create_expired(catalog: &dyn Catalog) -> Upload {
    catalog.create(&new_upload(Some(10)), None, Staged::Durable, Duration::ZERO).await.unwrap()
}

/// Everything that has expired.
async fn expire_all(catalog: &dyn Catalog) -> Vec<UploadId> {
    let mut all = Vec::new();
    loop {
        let expired = catalog.expire(100).await.unwrap();
        if expired.is_empty() {
            return all;
        }
        all.extend(expired);
    }
}

fn own(id: UploadId) -> BlobId {
    BlobId(id.as_uuid())
}

fn stored(id: UploadId, epoch: i64) -> BlobEpoch {
    BlobEpoch { blob: own(id), epoch: Epoch(epoch) }
}

async fn an_expired_upload_is_removed(catalog: &dyn Catalog) {
    let (id, other) = (create_expired(catalog).await.id, create(catalog, &new_upload(None)).await.id);
    assert_eq!(expire_all(catalog).await, [id]);
    assert!(matches!(catalog.find(id).await, Err(CatalogError::Gone)));
    assert!(matches!(append(catalog, id, &bytes(0, 1)).await, Err(CatalogError::Gone)));
    assert!(matches!(catalog.terminate(id).await, Err(CatalogError::Gone)));
    assert!(doomed(catalog).await.contains(&own(id)));
    catalog.find(other).await.unwrap();
}

async fn what_is_complete_or_was_appended_to_does_not_expire(catalog: &dyn Catalog) {
    let (complete, growing) = (create_expired(catalog).await.id, create_expired(catalog).await.id);
    append(catalog, complete, &last_bytes(0, 10)).await.unwrap();
    append(catalog, growing, &bytes(0, 1)).await.unwrap();
    let (new, last) = (new_upload(None), last_bytes(0, 5));
    let whole = catalog.create(&new, Some(&last), Staged::Durable, Duration::ZERO).await.unwrap().id;
    assert_eq!(expire_all(catalog).await, []);
    for id in [complete, growing, whole] {
        catalog.find(id).await.unwrap();
    }
}

async fn at_most_as_many_expire_as_were_asked_for(catalog: &dyn Catalog) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(create_expired(catalog).await.id);
    }
    // Those first that expired first.
    assert_eq!(catalog.expire(2).await.unwrap(), ids[..2]);
    assert_eq!(catalog.expire(2).await.unwrap(), ids[2..]);
}

async fn of_an_append_and_the_expiry_at_once_one_wins(catalog: &Arc<dyn Catalog>) {
    for _ in 0..20 {
        let id = create_expired(&**catalog).await.id;
        let outcomes = race(4, |n| {
            let catalog = catalog.clone();
            async move {
                match n {
                    0 => append(&*catalog, id, &bytes(0, 1)).await.map(drop),
                    _ => catalog.expire(10).await.map(drop),
                }
            }
        })
        .await;
        outcomes[1..].iter().for_each(|expiry| assert!(expiry.is_ok(), "{expiry:?}"));
        match &outcomes[0] {
            Ok(()) => assert_eq!(catalog.find(id).await.unwrap().upload.offset, 1),
            Err(CatalogError::Gone) => assert!(matches!(catalog.find(id).await, Err(CatalogError::Gone))),
            other => panic!("{other:?}"),
        }
    }
}

async fn bytes_of_a_lost_epoch_are_strays(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    append(catalog, id, &bytes(0, 4)).await.unwrap();
    for _ in 0..3 {
        catalog.claim(id, 4, None).await.unwrap();
    }
    // Epoch 1 counts, 4 may still, and whatever is said to be later than the record is left alone.
    let all: Vec<_> = (1..=5).map(|epoch| stored(id, epoch)).collect();
    let lost = Strays { lost: all[1..3].to_vec(), unknown: vec![] };
    assert_eq!(sorted(catalog.strays(&all).await.unwrap()), lost);
    let last = Advance { epoch: Epoch(4), ..last_bytes(4, 6) };
    append(catalog, id, &last).await.unwrap();
    assert_eq!(sorted(catalog.strays(&all[..4]).await.unwrap()), lost);

    let claimed_last = create(catalog, &new_upload(Some(0))).await.id;
    catalog.claim(claimed_last, 0, None).await.unwrap();
    let nothing = stored(claimed_last, 2);
    assert_eq!(catalog.strays(&[nothing]).await.unwrap(), Strays::default());
    append(catalog, claimed_last, &Advance { epoch: Epoch(2), ..last_bytes(0, 0) }).await.unwrap();
    assert_eq!(catalog.strays(&[nothing]).await.unwrap().lost, [nothing]);
}

fn sorted(mut strays: Strays) -> Strays {
    strays.lost.sort();
    strays
}

async fn bytes_of_a_removed_upload_are_no_strays_while_they_are_doomed(catalog: &dyn Catalog) {
    let id = create_whole(catalog, &new_upload(None), 5).await.id;
    catalog.terminate(id).await.unwrap();
    assert_eq!(catalog.strays(&[stored(id, 1)]).await.unwrap(), Strays::default());
    catalog.forget(&[own(id)]).await.unwrap();
    assert_eq!(catalog.strays(&[stored(id, 1)]).await.unwrap().unknown, [own(id)]);
}

async fn an_upload_whose_bytes_were_condemned_cannot_be_created(catalog: &dyn Catalog) {
    let new = new_upload(None);
    let unknown = catalog.strays(&[stored(new.id, 1)]).await.unwrap().unknown;
    assert_eq!(unknown, [own(new.id)]);
    assert_eq!(catalog.condemn(&unknown).await.unwrap(), unknown);
    assert_eq!(catalog.condemn(&unknown).await.unwrap(), []);
    for _ in 0..2 {
        let late = catalog.create(&new, Some(&last_bytes(0, 5)), Staged::Durable, TTL).await;
        assert!(matches!(late, Err(CatalogError::Gone)), "{late:?}");
        assert!(catalog.extents(new.id, 0..5).await.unwrap().is_empty());
        catalog.forget(&unknown).await.unwrap();
    }
}

async fn a_blob_that_is_known_is_not_condemned(catalog: &dyn Catalog) {
    let (kept, removed) =
        (create(catalog, &new_upload(None)).await.id, create(catalog, &new_upload(None)).await.id);
    catalog.terminate(removed).await.unwrap();
    let unknown = BlobId(Uuid::now_v7());
    // As often as one of its epochs was found.
    let asked = [own(kept), unknown, own(removed), unknown];
    assert_eq!(catalog.condemn(&asked).await.unwrap(), [unknown]);
    catalog.find(kept).await.unwrap();
}

async fn of_a_creation_and_its_condemnation_at_once_one_wins(catalog: &Arc<dyn Catalog>) {
    for _ in 0..20 {
        let new = new_upload(None);
        let outcomes = race(4, |n| {
            let (catalog, new) = (catalog.clone(), new.clone());
            async move {
                match n % 2 {
                    0 => catalog.create(&new, Some(&last_bytes(0, 5)), Staged::Durable, TTL).await.map(|_| 1),
                    _ => catalog.condemn(&[own(new.id)]).await.map(|condemned| condemned.len()),
                }
            }
        })
        .await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(1))).count();
        assert_eq!(won, 1, "{outcomes:?}");
        let created = outcomes.iter().step_by(2).any(Result::is_ok);
        assert_eq!(catalog.find(new.id).await.is_ok(), created);
        assert_eq!(doomed(&**catalog).await.contains(&own(new.id)), !created);
    }
}

async fn tidying_leaves_what_is_still_asked_for(catalog: &dyn Catalog) {
    let id = create_whole(catalog, &new_upload(None), 5).await.id;
    catalog.terminate(id).await.unwrap();
    catalog.tidy().await.unwrap();
    assert!(matches!(catalog.find(id).await, Err(CatalogError::Gone)));
}

async fn its_identity_stays(catalog: &dyn Catalog) {
    let id = catalog.identity().await.unwrap();
    assert!(id.0.as_bytes().iter().any(|byte| *byte != 0));
    assert_eq!(catalog.identity().await.unwrap(), id);
}

async fn one_at_a_time_is_elected(catalog: &dyn Catalog) {
    let elected = catalog.elect().await.unwrap().unwrap();
    for _ in 0..2 {
        assert!(elected.is_held().await);
        assert!(catalog.elect().await.unwrap().is_none());
    }
    drop(elected);
    let next = async {
        loop {
            // PostgreSQL sees the end of a session a moment later.
            if let Some(next) = catalog.elect().await.unwrap() {
                return next;
            }
        }
    };
    let next = tokio::time::timeout(Duration::from_secs(60), next).await.unwrap();
    assert!(next.is_held().await);
}
