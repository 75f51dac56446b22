use super::{LIMIT, final_of, join, partial, remove};
use crate::catalog::Catalog;
use crate::catalog::conformance::{append, create, last_bytes};
use crate::db::Staged;
use crate::domain::{State, UploadId};
use std::time::Duration;

async fn whole_and_expired(catalog: &dyn Catalog) -> UploadId {
    let (new, last) = (partial(None), last_bytes(0, 2));
    let created = catalog.create(&new, Some(&last), Staged::Durable, Duration::ZERO).await.unwrap();
    assert!(created.expires_at.is_some());
    created.id
}

pub(super) async fn a_complete_part_expires_unless_a_final_upload_waits_for_others(catalog: &dyn Catalog) {
    let appended = create(catalog, &partial(Some(2))).await.id;
    let now = catalog.append(appended, &last_bytes(0, 2), Staged::Durable, Duration::ZERO).await.unwrap();
    assert_eq!((now.state(), now.expires_at.is_some()), (State::Complete, true));
    let (unused, needed, joined) = (
        whole_and_expired(catalog).await,
        whole_and_expired(catalog).await,
        whole_and_expired(catalog).await,
    );
    let late = create(catalog, &partial(Some(1))).await.id;
    let (waiting, whole) = (join(catalog, &[needed, late]).await, join(catalog, &[joined]).await);
    let mut expired = catalog.expire(100).await.unwrap();
    expired.sort();
    assert_eq!(expired, [appended, unused, joined]);
    assert_eq!(catalog.expire(100).await.unwrap(), []);

    append(catalog, late, &last_bytes(0, 1)).await.unwrap();
    catalog.join(waiting.id, LIMIT).await.unwrap();
    assert_eq!(catalog.expire(100).await.unwrap(), [needed]);
    assert_eq!(catalog.extents(waiting.id, 0..3).await.unwrap().len(), 2);
    assert_eq!(catalog.extents(whole.id, 0..2).await.unwrap().len(), 1);
    remove(catalog, &[late, waiting.id, whole.id]).await;
}

/// So neither keeps the other for ever, and a part that is not complete is kept by nobody.
pub(super) async fn a_final_upload_expires_once_a_part_is_gone(catalog: &dyn Catalog) {
    let (complete, late) = (whole_and_expired(catalog).await, create(catalog, &partial(Some(1))).await.id);
    let new = final_of(&[complete, late]);
    catalog.create_final(&new, LIMIT, Duration::ZERO).await.unwrap();
    let patient = join(catalog, &[late]).await.id;
    assert_eq!(catalog.expire(100).await.unwrap(), []);
    // One that could be joined does not expire before it is.
    let ready = whole_and_expired(catalog).await;
    let other = create(catalog, &partial(Some(1))).await.id;
    let joinable = final_of(&[ready, other]);
    catalog.create_final(&joinable, LIMIT, Duration::ZERO).await.unwrap();
    append(catalog, other, &last_bytes(0, 1)).await.unwrap();
    assert_eq!(catalog.expire(100).await.unwrap(), []);

    catalog.terminate(late).await.unwrap();
    assert_eq!(catalog.expire(100).await.unwrap(), [new.id]);
    assert_eq!(catalog.expire(100).await.unwrap(), [complete]);
    // This one still has its time.
    catalog.find(patient).await.unwrap();
    let unfinished =
        catalog.create(&partial(Some(1)), None, Staged::Durable, Duration::ZERO).await.unwrap().id;
    let waiting = join(catalog, &[unfinished]).await.id;
    assert_eq!(catalog.expire(100).await.unwrap(), [unfinished]);
    remove(catalog, &[patient, waiting, ready, other, joinable.id]).await;
}
