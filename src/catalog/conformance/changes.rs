use super::joining::{final_of, part, partial};
use super::{TTL, append, create, create_whole, last_bytes, new_upload};
use crate::catalog::Catalog;
use crate::domain::{Moment, News, UploadId};
use std::time::Duration;

/// More than the tests before this one leave to be told.
const ENOUGH: u32 = 1000;

pub(super) async fn all(catalog: &dyn Catalog) {
    what_is_completed_or_removed_is_told(catalog).await;
    incomplete_uploads_and_parts_are_not_told(catalog).await;
    a_final_upload_is_told_when_it_is_joined(catalog).await;
    what_was_told_lately_is_told_again(catalog).await;
    more_than_the_limit_is_not_told(catalog).await;
    what_changed_since_an_unknown_moment_is_not_told(catalog).await;
}

async fn now(catalog: &dyn Catalog) -> Moment {
    let answer = catalog.changes(None, 1).await.unwrap();
    assert_eq!(answer.news, Some(News::default()));
    answer.upto
}

/// Whether these are told as completed, and whether as removed.
async fn told(catalog: &dyn Catalog, since: Moment, ids: &[UploadId]) -> Vec<(bool, bool)> {
    let answer = catalog.changes(Some(since), ENOUGH).await.unwrap();
    assert!(answer.upto >= since);
    let news = answer.news.unwrap();
    let completed = |id: &UploadId| news.completed.iter().any(|upload| upload.id == *id);
    ids.iter().map(|id| (completed(id), news.removed.contains(id))).collect()
}

pub(super) async fn what_is_completed_or_removed_is_told(catalog: &dyn Catalog) {
    let since = now(catalog).await;
    let kept = create_whole(catalog, &new_upload(None), 5).await;
    let removed = create_whole(catalog, &new_upload(None), 5).await;
    assert_eq!(told(catalog, since, &[kept.id, removed.id]).await, [(true, false), (true, false)]);
    catalog.terminate(removed.id).await.unwrap();
    assert_eq!(told(catalog, since, &[kept.id, removed.id]).await, [(true, false), (false, true)]);
    let news = catalog.changes(Some(since), ENOUGH).await.unwrap().news.unwrap();
    assert!(news.completed.contains(&kept), "the record is whole");
    catalog.terminate(kept.id).await.unwrap();
}

async fn incomplete_uploads_and_parts_are_not_told(catalog: &dyn Catalog) {
    let since = now(catalog).await;
    let incomplete = create(catalog, &new_upload(Some(5))).await.id;
    let part = part(catalog, 5).await;
    assert_eq!(told(catalog, since, &[incomplete, part]).await, [(false, false); 2]);
    append(catalog, incomplete, &last_bytes(0, 5)).await.unwrap();
    assert_eq!(told(catalog, since, &[incomplete, part]).await, [(true, false), (false, false)]);
    for id in [incomplete, part] {
        catalog.terminate(id).await.unwrap();
    }
}

async fn a_final_upload_is_told_when_it_is_joined(catalog: &dyn Catalog) {
    let since = now(catalog).await;
    let part = create(catalog, &partial(Some(5))).await.id;
    let whole = catalog.create_final(&final_of(&[part]), 1000, TTL).await.unwrap().id;
    assert_eq!(told(catalog, since, &[whole]).await, [(false, false)]);
    append(catalog, part, &last_bytes(0, 5)).await.unwrap();
    catalog.join(whole, 1000).await.unwrap();
    assert_eq!(told(catalog, since, &[whole, part]).await, [(true, false), (false, false)]);
    for id in [whole, part] {
        catalog.terminate(id).await.unwrap();
    }
}

/// It may have been committed only after it was asked for.
async fn what_was_told_lately_is_told_again(catalog: &dyn Catalog) {
    let kept = create_whole(catalog, &new_upload(None), 5).await.id;
    let removed = create_whole(catalog, &new_upload(None), 5).await.id;
    catalog.terminate(removed).await.unwrap();
    let since = now(catalog).await;
    assert_eq!(told(catalog, since, &[kept, removed]).await, [(true, false), (false, true)]);
    catalog.terminate(kept).await.unwrap();
}

async fn more_than_the_limit_is_not_told(catalog: &dyn Catalog) {
    let since = now(catalog).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(create_whole(catalog, &new_upload(None), 5).await.id);
    }
    assert_eq!(catalog.changes(Some(since), 1).await.unwrap().news, None, "of what was completed");
    for id in ids {
        catalog.terminate(id).await.unwrap();
    }
    let answer = catalog.changes(Some(since), 1).await.unwrap();
    assert_eq!(answer.news, None, "of what was removed");
    assert!(answer.upto >= since);
}

async fn what_changed_since_an_unknown_moment_is_not_told(catalog: &dyn Catalog) {
    let now = now(catalog).await;
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    for (since, known) in
        [(now.earlier_by(days(8)), false), (now.earlier_by(days(6)), true), (now.later_by(days(1)), false)]
    {
        let answer = catalog.changes(Some(since), ENOUGH).await.unwrap();
        assert_eq!(answer.news.is_some(), known, "since {since} at {now}");
        assert!(answer.upto >= now);
    }
}
