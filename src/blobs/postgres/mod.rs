//! Bytes in rows of the catalog's own database: they are stored by the transaction that counts them.
//!
//! A row holds up to 1 MiB and is found by the place of its first byte. Only bytes that count or are pending are ever
//! committed, and within an epoch once: where a row stands already, the transaction that brings it again would fail at the
//! offset anyway, and the duplicate key is no more than an earlier word for that.

mod staging;
#[cfg(test)]
mod tests;

use super::{BlobError, BlobStore, Owner, Place, Stage};
use crate::db::postgres::Pool;
use crate::db::{self, within_patience};
use crate::domain::{BlobEpoch, BlobId, CatalogId, Epoch};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use staging::RowStage;
use std::time::Duration;

/// Bytes read at once. Each reader that is slower than we are holds one or two pieces, which no budget counts.
const READ_BYTES: usize = 256 << 10;
/// Rows deleted by one statement, which must end in time.
const ROWS_DELETED: i64 = 64;
/// How often, and after which pause, one who always finds another deleter at the same rows looks again. Then that one has
/// not come to its end, and a later try may.
const LOOKS: u32 = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

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
const LOST_EPOCHS: &str = "SELECT upload_id, pending.epoch FROM pending LEFT JOIN uploads ON uploads.id = upload_id \
     WHERE (uploads.id IS NULL OR pending.epoch < uploads.epoch) AND EXISTS (SELECT FROM blob_rows \
       WHERE blob_rows.blob_id = upload_id AND blob_rows.epoch = pending.epoch) LIMIT 1000";

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
    async fn stage(&self, place: Place, _length: u64) -> Result<Box<dyn Stage>, BlobError> {
        Ok(Box::new(RowStage::new(place)))
    }

    /// All: it waits for the transaction that counts it.
    fn holds(&self, length: u64) -> u64 {
        length
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
