//! Bytes in rows of the catalog's own database: they are stored by the transaction that counts them.
//!
//! A row holds up to 1 MiB and is found by the place of its first byte. Only bytes that count or are pending are ever
//! committed, and within an epoch once: where a row stands already, the transaction that brings it again would fail at the
//! offset anyway, and the duplicate key is no more than an earlier word for that.

use super::{BlobError, BlobStore, Owner, Place, Stage};
use crate::db::postgres::{Pool, TransactionPart};
use crate::db::{self, Staged, within_patience};
use crate::domain::{BlobEpoch, BlobId, CatalogId, Epoch};
use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::Transaction;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use std::time::Duration;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A CHECK of the table says so, too.
const ROW_BYTES: usize = 1 << 20;
/// Bytes read at once. Each reader that is slower than we are holds one or two pieces, which no budget counts.
const READ_BYTES: usize = 256 << 10;
/// Rows on their way to the server at once: more would only wait in memory.
const ROWS_IN_FLIGHT: usize = 4;
/// Rows deleted by one statement, which must end in time.
const ROWS_DELETED: i64 = 64;
/// How often, and after which pause, one who always finds another deleter at the same rows looks again. Then that one has
/// not come to its end, and a later try may.
const LOOKS: u32 = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

const INSERT: &str = "INSERT INTO blob_rows (blob_id, epoch, start_bytes, data) VALUES ($1, $2, $3, $4)";

/// At most $4 bytes from position $3 on, all out of the row that holds this position, or would if it were longer.
const READ: &str = "SELECT substring(data FROM ($3 - start_bytes + 1)::int FOR $4) FROM blob_rows \
     WHERE blob_id = $1 AND epoch = $2 AND start_bytes BETWEEN $3 - 1048575 AND $3 ORDER BY start_bytes DESC LIMIT 1";

/// Of one epoch ($2), or of all. Two deleters take other rows each: neither waits for the other, nor both for one another. So
/// one that finds none may only have met those of the other, and [`LEFT`] tells.
const DELETE: &str = "WITH chosen AS (SELECT epoch, start_bytes FROM blob_rows \
       WHERE blob_id = $1 AND ($2::bigint IS NULL OR epoch = $2) LIMIT $3 FOR UPDATE SKIP LOCKED) \
     DELETE FROM blob_rows USING chosen WHERE blob_rows.blob_id = $1 \
       AND blob_rows.epoch = chosen.epoch AND blob_rows.start_bytes = chosen.start_bytes";

const LEFT: &str =
    "SELECT EXISTS (SELECT FROM blob_rows WHERE blob_id = $1 AND ($2::bigint IS NULL OR epoch = $2))";

/// An upload's own bytes have its id. Some at a time: what is deleted is forgotten.
const LOST_EPOCHS: &str = "SELECT upload_id, pending.epoch FROM pending JOIN uploads ON uploads.id = upload_id \
     WHERE pending.epoch < uploads.epoch LIMIT 1000";

/// See the module.
#[derive(Clone, Debug)]
pub struct PostgresBlobs {
    pool: Pool,
}

impl PostgresBlobs {
    /// `pool` has to be the catalog's: the two share transactions.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// What is stored from `place` on, at most `count` bytes and at most the rest of a row. The connection is given back
    /// before the bytes are sent anywhere, so a slow reader keeps none.
    async fn read_piece(&self, place: Place, count: u64) -> Result<Bytes, BlobError> {
        within_patience(async {
            let position = i64::try_from(place.start).map_err(db::Error::broken)?;
            let count = i32::try_from(count.min(READ_BYTES as u64)).map_err(db::Error::broken)?;
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(READ).await?;
            let row =
                lease.query_opt(&statement, &[&place.blob.0, &place.epoch.0, &position, &count]).await?;
            let piece: &[u8] = row.as_ref().map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
            let piece = Bytes::copy_from_slice(piece);
            lease.release();
            if piece.is_empty() { Err(BlobError::Missing) } else { Ok(piece) }
        })
        .await
    }

    async fn lost_epochs(&self) -> Result<Vec<BlobEpoch>, BlobError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let mut lost = Vec::new();
            for row in lease.query(&lease.prepare_cached(LOST_EPOCHS).await?, &[]).await? {
                lost.push(BlobEpoch { blob: BlobId(row.try_get(0)?), epoch: Epoch(row.try_get(1)?) });
            }
            lease.release();
            Ok(lost)
        })
        .await
    }

    /// Returns when no row is left, whoever deleted it: the caller forgets the blob then.
    async fn delete_all(&self, blob: BlobId, epoch: Option<Epoch>) -> Result<(), BlobError> {
        let mut looks = 0;
        while looks < LOOKS {
            if self.delete_some(blob, epoch).await? > 0 {
                looks = 0;
                continue;
            }
            if !self.any_left(blob, epoch).await? {
                return Ok(());
            }
            looks += 1;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(BlobError::Unavailable("another deletion of the same rows does not end".into()))
    }

    async fn any_left(&self, blob: BlobId, epoch: Option<Epoch>) -> Result<bool, BlobError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(LEFT).await?;
            let epoch = epoch.map(|epoch| epoch.0);
            let left = lease.query_one(&statement, &[&blob.0, &epoch]).await?.try_get(0)?;
            lease.release();
            Ok(left)
        })
        .await
    }

    async fn delete_some(&self, blob: BlobId, epoch: Option<Epoch>) -> Result<u64, BlobError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(DELETE).await?;
            let epoch = epoch.map(|epoch| epoch.0);
            let deleted = lease.execute(&statement, &[&blob.0, &epoch, &ROWS_DELETED]).await?;
            lease.release();
            Ok(deleted)
        })
        .await
    }
}

#[async_trait]
impl BlobStore for PostgresBlobs {
    async fn stage(&self, place: Place) -> Result<Box<dyn Stage>, BlobError> {
        Ok(Box::new(RowStage { place, parts: Vec::new() }))
    }

    async fn read(
        &self,
        place: Place,
        length: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let store = self.clone();
        let pieces = stream::try_unfold((place, length), move |(place, left)| {
            let store = store.clone();
            async move {
                if left == 0 {
                    return Ok(None);
                }
                let piece = store.read_piece(place, left).await?;
                let read = piece.len() as u64;
                Ok(Some((piece, (Place { start: place.start + read, ..place }, left - read))))
            }
        });
        Ok(pieces.boxed())
    }

    async fn delete(&self, blob: BlobId) -> Result<(), BlobError> {
        self.delete_all(blob, None).await
    }

    async fn delete_epoch(&self, bytes: BlobEpoch) -> Result<(), BlobError> {
        self.delete_all(bytes.blob, Some(bytes.epoch)).await
    }

    /// What was pending. Any other row is committed by the transaction that counts it; what that transaction found in the way
    /// (a later epoch, a removal, a tombstone) has rolled it back. From then on it counts until its blob is doomed.
    fn inventory(&self) -> BoxStream<'static, Result<Vec<BlobEpoch>, BlobError>> {
        let store = self.clone();
        stream::once(async move { store.lost_epochs().await }).boxed()
    }

    /// Rows stand in the catalog's own database.
    async fn owner(&self, _: CatalogId) -> Result<Owner, BlobError> {
        Ok(Owner::Same)
    }

    async fn adopt(&self, _: CatalogId) -> Result<(), BlobError> {
        Ok(())
    }
}

/// A chunk waiting in memory for the transaction that counts it.
struct RowStage {
    place: Place,
    parts: Vec<Bytes>,
}

#[async_trait]
impl Stage for RowStage {
    async fn write(&mut self, parts: &[Bytes]) -> Result<(), BlobError> {
        self.parts.extend_from_slice(parts);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Staged, BlobError> {
        let rows = rows(self.parts);
        match rows.is_empty() {
            true => Ok(Staged::Durable),
            false => Ok(Staged::InTransaction(Box::new(NewRows { place: self.place, rows }))),
        }
    }
}

/// The bytes of one row, as they arrived: they are copied once, into the message to the server.
#[derive(Debug, Default)]
struct RowBytes {
    parts: Vec<Bytes>,
    length: usize,
}

/// Cuts `parts` into rows, of which all but the last are full.
fn rows(parts: Vec<Bytes>) -> Vec<RowBytes> {
    let mut rows: Vec<RowBytes> = Vec::new();
    for mut part in parts {
        while !part.is_empty() {
            if rows.last().is_none_or(|row| row.length == ROW_BYTES) {
                rows.push(RowBytes::default());
            }
            let Some(row) = rows.last_mut() else { break };
            let piece = part.split_to(part.len().min(ROW_BYTES - row.length));
            row.length += piece.len();
            row.parts.push(piece);
        }
    }
    rows
}

struct NewRows {
    place: Place,
    rows: Vec<RowBytes>,
}

#[async_trait]
impl TransactionPart for NewRows {
    async fn run(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let statement = transaction.prepare_cached(INSERT).await?;
        let (blob, epoch) = (self.place.blob.0, self.place.epoch.0);
        let mut start = self.place.start.cast_signed();
        let mut inserts = Vec::new();
        for row in &self.rows {
            let (statement, at) = (&statement, start);
            inserts.push(async move { transaction.execute(statement, &[&blob, &epoch, &at, row]).await });
            start += row.length as i64;
        }
        stream::iter(inserts).buffered(ROWS_IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await
    }
}

impl ToSql for RowBytes {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.reserve(self.length);
        self.parts.iter().for_each(|part| out.put_slice(part));
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::BYTEA
    }

    to_sql_checked!();
}

impl From<db::Error> for BlobError {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Full(cause) => Self::Full(cause),
            db::Error::Unavailable(cause) | db::Error::Duplicate(cause) | db::Error::Broken(cause) => {
                Self::Unavailable(cause)
            }
        }
    }
}

impl From<tokio_postgres::Error> for BlobError {
    fn from(error: tokio_postgres::Error) -> Self {
        db::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::conformance::{self, Counting};
    use crate::db::testing::TestDatabase;
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
        let mut stage = store.stage(place).await.unwrap();
        stage.write(&[Bytes::from_static(b"never counted")]).await.unwrap();
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

    #[test]
    fn rows_are_full_but_for_the_last() {
        let parts = [ROW_BYTES - 1, 2, 0, 3 * ROW_BYTES].map(|length| Bytes::from(vec![7; length])).to_vec();
        let lengths: Vec<usize> = rows(parts).iter().map(|row| row.length).collect();
        assert_eq!(lengths, [ROW_BYTES, ROW_BYTES, ROW_BYTES, ROW_BYTES, 1]);
        assert!(rows(vec![Bytes::new()]).is_empty());
    }
}
