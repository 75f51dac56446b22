//! What becomes of the others when a writer, or the database, stops in the middle.

use super::catalog;
use crate::blobs::conformance::contents;
use crate::blobs::postgres::PostgresBlobs;
use crate::blobs::{BlobError, BlobStore, Place};
use crate::catalog::conformance::{TTL, append, bytes, conflict, create, new_upload};
use crate::catalog::postgres::changes::Chunk;
use crate::catalog::postgres::{PostgresCatalog, queries};
use crate::catalog::{Advance, Catalog, CatalogError};
use crate::db::postgres::{PgConfig, Pool, TransactionPart};
use crate::db::testing::TestDatabase;
use crate::db::{PATIENCE, Staged};
use crate::domain::{BlobId, Digest, Epoch, Upload, UploadId};
use async_trait::async_trait;
use bytes::Bytes;
use deadpool_postgres::Transaction;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

/// Stores its bytes, says so, and then hangs until it may go on.
struct Hanging {
    part: Arc<dyn TransactionPart>,
    stored: Mutex<Option<oneshot::Sender<()>>>,
    go_on: Mutex<Option<oneshot::Receiver<()>>>,
}

#[async_trait]
impl TransactionPart for Hanging {
    async fn run(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        self.part.run(transaction).await?;
        self.stored.lock().await.take().unwrap().send(()).ok();
        self.go_on.lock().await.take().unwrap().await.ok();
        Ok(())
    }
}

/// An append that has written its bytes and not yet set the offset.
struct HungAppend {
    outcome: JoinHandle<Result<Upload, CatalogError>>,
    go_on: oneshot::Sender<()>,
}

impl HungAppend {
    async fn begin(catalog: &PostgresCatalog, id: UploadId, advance: Advance, content: &[u8]) -> Self {
        let Staged::InTransaction(part) = stage(catalog, id, &advance, content).await else {
            panic!("durable")
        };
        let (stored, has_stored) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel();
        let part = Hanging { part, stored: Mutex::new(Some(stored)), go_on: Mutex::new(Some(may_go_on)) };
        let catalog = catalog.clone();
        let outcome = tokio::spawn(async move {
            catalog.append(id, &advance, Staged::InTransaction(Arc::new(part)), TTL).await
        });
        has_stored.await.unwrap();
        Self { outcome, go_on }
    }

    async fn go_on(self) -> Result<Upload, CatalogError> {
        self.go_on.send(()).unwrap();
        self.outcome.await.unwrap()
    }

    /// As if the process had died.
    async fn die(self) {
        self.outcome.abort();
        self.outcome.await.unwrap_err();
    }
}

fn place(id: UploadId, advance: &Advance) -> Place {
    Place { blob: BlobId(id.as_uuid()), epoch: advance.epoch, start: advance.from }
}

async fn stage(catalog: &PostgresCatalog, id: UploadId, advance: &Advance, content: &[u8]) -> Staged {
    let blobs = PostgresBlobs::new(catalog.pool.clone());
    let mut stage = blobs.stage(place(id, advance), content.len() as u64).await.unwrap();
    stage.write(&[Bytes::copy_from_slice(content)], Digest::default()).await.unwrap();
    stage.finish().await.unwrap()
}

async fn stored(catalog: &PostgresCatalog, id: UploadId, advance: &Advance) -> Result<Vec<u8>, BlobError> {
    contents(&PostgresBlobs::new(catalog.pool.clone()), place(id, advance), advance.count).await
}

/// Waits until `statements` of this database wait for a lock.
pub(super) async fn until_waiting(pool: &Pool, statements: i64) {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let lease = pool.lease().await.unwrap();
    let waiting = async {
        while lease.query_one(WAITING, &[]).await.unwrap().get::<_, i64>(0) < statements {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("nobody waits");
    lease.release();
}

#[tokio::test]
async fn a_new_request_does_not_wait_for_one_that_hangs_and_nothing_of_that_counts() {
    let (_database, catalog) = catalog().await;
    let id = create(&catalog, &new_upload(Some(10))).await.id;
    append(&catalog, id, &bytes(0, 2)).await.unwrap();
    let old = bytes(2, 3);
    let hung = HungAppend::begin(&catalog, id, old.clone(), b"old").await;

    let epoch = catalog.claim(id, 2, None).await.unwrap().epoch;
    let new = Advance { epoch, ..bytes(2, 3) };
    let staged = stage(&catalog, id, &new, b"new").await;
    let appended = catalog.append(id, &new, staged, TTL).await.unwrap();
    assert_eq!(appended.offset, 5);

    assert_eq!(conflict(hung.go_on().await), appended);
    let extents = catalog.extents(id, 2..5).await.unwrap();
    assert_eq!(extents.iter().map(|extent| extent.epoch).collect::<Vec<_>>(), [epoch]);
    assert_eq!(stored(&catalog, id, &new).await.unwrap(), b"new");
    assert!(matches!(stored(&catalog, id, &old).await, Err(BlobError::Missing)));
}

/// It may also hang a moment later, with the rows that tell who stored what. One of an earlier release has not locked the record
/// by then.
#[tokio::test]
async fn the_rows_of_a_writer_that_hangs_are_in_nobodys_way() {
    let (_database, catalog) = catalog().await;
    let id = create(&catalog, &new_upload(Some(10))).await.id;
    append(&catalog, id, &bytes(0, 2)).await.unwrap();
    let mut lease = catalog.pool.lease().await.unwrap();
    let hung = lease.transaction().await.unwrap();
    let uuid = id.as_uuid();
    // One row made longer, one new.
    hung.execute("UPDATE extents SET length_bytes = 5 WHERE upload_id = $1", &[&uuid]).await.unwrap();
    let segment = "INSERT INTO segments (upload_id, epoch, offset_bytes, length_bytes, backend) VALUES ($1, 1, 2, 3, '9')";
    hung.execute(segment, &[&uuid]).await.unwrap();

    let epoch = catalog.claim(id, 2, None).await.unwrap().epoch;
    let appended = append(&catalog, id, &Advance { epoch, ..bytes(2, 3) }).await.unwrap();
    assert_eq!(appended.offset, 5);
}

/// The relay sends a chunk again, elsewhere, because the first backend does not answer. It does go on, though.
#[tokio::test]
async fn a_chunk_replayed_beside_one_that_hangs_counts_once() {
    let (_database, catalog) = catalog().await;
    let id = create(&catalog, &new_upload(Some(10))).await.id;
    let chunk = bytes(0, 5);
    let hung = HungAppend::begin(&catalog, id, chunk.clone(), b"chunk").await;
    let replay = HungReplay::begin(&catalog, id, &chunk).await;
    let appended = hung.go_on().await.unwrap();
    assert_eq!(conflict(replay.outcome.await.unwrap()), appended);
    assert_eq!(stored(&catalog, id, &chunk).await.unwrap(), b"chunk");
}

#[tokio::test]
async fn a_chunk_replayed_beside_one_that_dies_counts_once() {
    let (_database, catalog) = catalog().await;
    let id = create(&catalog, &new_upload(Some(10))).await.id;
    let chunk = bytes(0, 5);
    let hung = HungAppend::begin(&catalog, id, chunk.clone(), b"chunk").await;
    let replay = HungReplay::begin(&catalog, id, &chunk).await;
    hung.die().await;
    assert_eq!(replay.outcome.await.unwrap().unwrap().offset, 5);
    assert_eq!(stored(&catalog, id, &chunk).await.unwrap(), b"chunk");
}

/// The same chunk again, waiting for the first.
struct HungReplay {
    outcome: JoinHandle<Result<Upload, CatalogError>>,
}

impl HungReplay {
    async fn begin(catalog: &PostgresCatalog, id: UploadId, chunk: &Advance) -> Self {
        let staged = stage(catalog, id, chunk, b"chunk").await;
        let (replaying, chunk) = (catalog.clone(), chunk.clone());
        let outcome = tokio::spawn(async move { replaying.append(id, &chunk, staged, TTL).await });
        until_waiting(&catalog.pool, 1).await;
        Self { outcome }
    }
}

/// Between setting the offset and the commit the record is locked, and others have to wait: not for long.
#[tokio::test]
async fn a_claim_behind_a_commit_that_hangs_is_unavailable_in_time() {
    let (_database, catalog) = catalog().await;
    let id = create(&catalog, &new_upload(Some(10))).await.id;
    let mut lease = catalog.pool.lease().await.unwrap();
    let transaction = lease.transaction().await.unwrap();
    let chunk = Chunk::of(id, &bytes(0, 5), TTL).unwrap();
    transaction.execute(queries::ADVANCE, &chunk.values(&false)).await.unwrap();
    let asked = Instant::now();
    let claimed = catalog.claim(id, 0, None).await;
    assert!(matches!(claimed, Err(CatalogError::Unavailable(_))), "{claimed:?}");
    assert!(asked.elapsed() < PATIENCE * 2);
    drop(transaction);
    drop(lease);
    assert_eq!(catalog.claim(id, 0, None).await.unwrap().epoch, Epoch(2));
}

#[tokio::test]
async fn a_removal_waits_for_the_append_under_way() {
    let (_database, catalog) = catalog().await;
    let id = create(&catalog, &new_upload(Some(10))).await.id;
    // The first chunk left a row, which the next makes longer.
    append(&catalog, id, &bytes(0, 2)).await.unwrap();
    let hung = HungAppend::begin(&catalog, id, bytes(2, 3), b"old").await;
    let removing = catalog.clone();
    let removal = tokio::spawn(async move { removing.terminate(id).await });
    until_waiting(&catalog.pool, 1).await;
    assert_eq!(hung.go_on().await.unwrap().offset, 5);
    assert_eq!(removal.await.unwrap().unwrap(), [BlobId(id.as_uuid())]);
}

/// The sessions here have no time limits of their own, as if the server did not keep them.
#[tokio::test]
async fn a_database_that_hangs_is_unavailable_in_time_and_its_connection_is_not_used_again() {
    let (database, pool) = TestDatabase::migrated().await;
    let url = database.url_with("options=-c%20lock_timeout%3D0%20-c%20statement_timeout%3D0");
    let config = PgConfig { url, password: None, pool_size: 1 };
    let catalog = PostgresCatalog::new(Pool::open(&config).await.unwrap());
    let id = create(&catalog, &new_upload(Some(10))).await.id;

    let mut lease = pool.lease().await.unwrap();
    let lock = lease.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let asked = Instant::now();
    let found = catalog.find(id).await;
    assert!(matches!(found, Err(CatalogError::Unavailable(_))), "{found:?}");
    assert!(asked.elapsed() < PATIENCE * 2);
    // The pool has one connection, and the first still waits.
    catalog.check().await.unwrap();
    lock.rollback().await.unwrap();
    assert_eq!(catalog.find(id).await.unwrap().upload.id, id);
}
