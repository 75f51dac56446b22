use super::staging::INSERT;
use super::*;
use crate::blobs::conformance::{self, Counting};
use crate::db::Staged;
use crate::db::testing::TestDatabase;
use crate::domain::Digest;
use std::sync::Arc;
use uuid::Uuid;

/// Counts what is staged in a transaction that does nothing else.
struct OwnTransaction(Pool);

#[async_trait]
impl Counting for OwnTransaction {
    async fn count(&self, staged: Staged) -> bool {
        let Staged::InTransaction(part) = staged else { return true };
        let mut lease = self.0.lease().await.unwrap();
        let transaction = lease.transaction().await.unwrap();
        match part.run(&transaction).await.map_err(db::Error::from) {
            Ok(()) => transaction.commit().await.unwrap(),
            Err(db::Error::Duplicate(_)) => return false,
            Err(error) => panic!("{error:?}"),
        }
        lease.release();
        true
    }
}

#[tokio::test]
async fn conforms() {
    let (_database, pool) = TestDatabase::migrated().await;
    let store = PostgresBlobs::new(pool.clone());
    conformance::all(Arc::new(store), &OwnTransaction(pool)).await;
}

#[tokio::test]
async fn a_chunk_that_is_not_counted_is_not_stored() {
    let (_database, pool) = TestDatabase::migrated().await;
    let store = PostgresBlobs::new(pool.clone());
    let place = Place { blob: BlobId(Uuid::now_v7()), epoch: Epoch(1), start: 0 };
    let mut stage = store.stage(place, 13).await.unwrap();
    stage.write(&[Bytes::from_static(b"never counted")], Digest::default()).await.unwrap();
    let Staged::InTransaction(part) = stage.finish().await.unwrap() else { panic!("durable already") };
    let mut lease = pool.lease().await.unwrap();
    let transaction = lease.transaction().await.unwrap();
    part.run(&transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    assert!(matches!(conformance::contents(&store, place, 1).await, Err(BlobError::Missing)));
}

async fn blob_of_rows(pool: &Pool, count: i64) -> BlobId {
    let blob = BlobId(Uuid::now_v7());
    let lease = pool.lease().await.unwrap();
    for start in 0..count {
        lease.execute(INSERT, &[&blob.0, &1i64, &start, &&b"x"[..]]).await.unwrap();
    }
    lease.release();
    blob
}

/// The other one is under way with its first batch while this one chooses the same, and dies after it.
#[tokio::test]
async fn a_deleter_that_meets_another_returns_only_when_that_ones_rows_are_gone() {
    const ROWS: &str = "SELECT count(*) FROM blob_rows";
    let (database, pool) = TestDatabase::migrated().await;
    let store = PostgresBlobs::new(pool.clone());
    let blob = blob_of_rows(&pool, 10 * ROWS_DELETED).await;
    let mut lease = pool.lease().await.unwrap();
    let other = lease.transaction().await.unwrap();
    let deleted = other.execute(DELETE, &[&blob.0, &None::<i64>, &ROWS_DELETED]).await.unwrap();
    assert_eq!(deleted, ROWS_DELETED as u64);
    let deleting = tokio::spawn(async move { store.delete(blob).await });
    // It passes over the rows of the other one, which may still come back.
    while database.numbers(ROWS).await != [ROWS_DELETED] {}
    assert!(!deleting.is_finished());
    other.commit().await.unwrap();
    deleting.await.unwrap().unwrap();
    assert_eq!(database.numbers(ROWS).await, [0]);
}

#[tokio::test]
async fn of_two_deleters_the_first_to_return_leaves_no_row() {
    let (database, pool) = TestDatabase::migrated().await;
    let store = PostgresBlobs::new(pool.clone());
    let blob = blob_of_rows(&pool, 10 * ROWS_DELETED).await;
    let (one, other) = (store.delete(blob), store.delete(blob));
    tokio::select! {
        deleted = one => deleted.unwrap(),
        deleted = other => deleted.unwrap(),
    }
    assert_eq!(database.numbers("SELECT count(*) FROM blob_rows").await, [0]);
}

#[tokio::test]
async fn a_blob_of_many_rows_is_deleted_in_batches() {
    let (_database, pool) = TestDatabase::migrated().await;
    let store = PostgresBlobs::new(pool.clone());
    let blob = blob_of_rows(&pool, 2 * ROWS_DELETED + 1).await;
    store.delete(blob).await.unwrap();
    let place = Place { blob, epoch: Epoch(1), start: 0 };
    assert!(matches!(conformance::contents(&store, place, 1).await, Err(BlobError::Missing)));
    assert_eq!(store.delete_some(blob, None).await.unwrap(), 0);
}
