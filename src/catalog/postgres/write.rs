//! What changes records, each inside of a transaction that the caller ends.
//!
//! Statements that do not need each other's answers are sent together. All answers are waited for, and the first error in
//! their order counts: those behind it only say that the transaction is void, and may be seen before it by another thread.
//!
//! `None` says that the record is not as the caller thought. So does [`Error::Duplicate`] in an append or a creation: a row
//! at the same place in the same epoch can only have been committed together with an offset that has moved past it.

use super::{queries, rows};
use crate::catalog::Advance;
use crate::catalog::stored::{GONE_FOR, fold, signed};
use crate::db::{Error, Staged};
use crate::domain::{BlobId, Concat, Digest, Epoch, NewUpload, Upload, UploadId};
use deadpool_postgres::Transaction;
use futures_util::future::{join, join3, join4};
use std::time::Duration;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

type Result<T> = std::result::Result<T, Error>;

pub(super) async fn create(
    transaction: &Transaction<'_>,
    new: &NewUpload,
    first: Option<&Advance>,
    staged: &Staged,
    ttl: Duration,
) -> Result<Option<Upload>> {
    let insert_upload = transaction.prepare_cached(queries::INSERT_UPLOAD).await?;
    let insert_blob = transaction.prepare_cached(queries::INSERT_BLOB).await?;
    let tombstone = transaction.prepare_cached(queries::TOMBSTONE).await?;
    let range = match first {
        Some(first) => Some(Range::prepare(transaction, new.id, first).await?),
        None => None,
    };
    let length = first.and_then(|first| first.length).or(new.length).map(signed).transpose()?;
    let offset = signed(first.map_or(0, |first| first.count))?;
    let digest = first.map_or_else(|| Digest::default().save(), |first| first.digest.save());
    let sha256 = first.and_then(|first| first.sha256).map(|sum| sum.0.to_vec());
    let id = new.id.as_uuid();
    let (filename, filename_key) = (new.filename.as_str(), fold(new.filename.as_str()));
    let concat = new.concat.as_ref().map(Concat::to_string);

    store(staged, transaction).await?;
    let values: [&(dyn ToSql + Sync); 12] = [
        &id,
        &filename,
        &filename_key,
        &new.content_type,
        &new.metadata,
        &length,
        &offset,
        &Epoch::FIRST.0,
        &digest,
        &sha256,
        &ttl.as_secs_f64(),
        &concat,
    ];
    // The tombstone last: a removal that we had to wait for has left one by then.
    let (created, blob, range, tombstone) = join4(
        transaction.query_opt(&insert_upload, &values),
        transaction.execute(&insert_blob, &[&id]),
        async {
            match &range {
                Some(range) => range.record(transaction).await,
                None => Ok(()),
            }
        },
        transaction.query_opt(&tombstone, &[&id, &GONE_FOR.as_secs_f64()]),
    )
    .await;
    let created = created?;
    blob?;
    range?;
    match tombstone? {
        Some(_) => Ok(None),
        None => created.as_ref().map(rows::upload).transpose(),
    }
}

pub(super) async fn append(
    transaction: &Transaction<'_>,
    id: UploadId,
    advance: &Advance,
    staged: &Staged,
    ttl: Duration,
) -> Result<Option<Upload>> {
    let pin = transaction.prepare_cached(queries::PIN).await?;
    let compare_and_set = transaction.prepare_cached(queries::ADVANCE).await?;
    let range = Range::prepare(transaction, id, advance).await?;
    let (id, from, count) = (id.as_uuid(), signed(advance.from)?, signed(advance.count)?);
    let length = advance.length.map(signed).transpose()?;
    let (digest, sha256) = (advance.digest.save(), advance.sha256.map(|sum| sum.0.to_vec()));

    if transaction.query_opt(&pin, &[&id, &advance.epoch.0, &from]).await?.is_none() {
        return Ok(None);
    }
    store(staged, transaction).await?;
    let values: [&(dyn ToSql + Sync); 8] =
        [&id, &advance.epoch.0, &from, &count, &length, &digest, &sha256, &ttl.as_secs_f64()];
    let compare_and_set = transaction.query_opt(&compare_and_set, &values);
    let (recorded, advanced) = join(range.record(transaction), compare_and_set).await;
    recorded?;
    advanced?.as_ref().map(rows::upload).transpose()
}

pub(super) async fn terminate(transaction: &Transaction<'_>, id: UploadId) -> Result<Option<Vec<BlobId>>> {
    let lock = transaction.prepare_cached(queries::LOCK).await?;
    match transaction.query_opt(&lock, &[&id.as_uuid()]).await? {
        Some(_) => remove(transaction, id).await.map(Some),
        None => Ok(None),
    }
}

/// Leaves a tombstone instead of a record that is locked. Returns the blobs that are doomed by it.
pub(super) async fn remove(transaction: &Transaction<'_>, id: UploadId) -> Result<Vec<BlobId>> {
    let release_blobs = transaction.prepare_cached(queries::RELEASE_BLOBS).await?;
    let delete_upload = transaction.prepare_cached(queries::DELETE_UPLOAD).await?;
    let insert_tombstone = transaction.prepare_cached(queries::INSERT_TOMBSTONE).await?;
    let id = id.as_uuid();
    let (released, deleted, buried) = join3(
        transaction.query(&release_blobs, &[&id]),
        transaction.execute(&delete_upload, &[&id]),
        transaction.execute(&insert_tombstone, &[&id]),
    )
    .await;
    let mut doomed = Vec::new();
    for row in released? {
        let refs: i64 = row.try_get(1)?;
        if refs == 0 {
            doomed.push(BlobId(row.try_get(0)?));
        }
    }
    deleted?;
    buried?;
    Ok(doomed)
}

/// Stores what is to be counted with this transaction.
async fn store(staged: &Staged, transaction: &Transaction<'_>) -> Result<()> {
    match staged {
        Staged::Durable => Ok(()),
        Staged::InTransaction(part) => Ok(part.run(transaction).await?),
    }
}

/// The bytes that a chunk adds to its upload, if any, and who brought them.
struct Range {
    upload: Uuid,
    epoch: i64,
    from: i64,
    count: i64,
    backend: String,
    frontend: Option<String>,
    record_extent: Statement,
    record_segment: Statement,
}

impl Range {
    async fn prepare(transaction: &Transaction<'_>, id: UploadId, advance: &Advance) -> Result<Self> {
        Ok(Self {
            upload: id.as_uuid(),
            epoch: advance.epoch.0,
            from: signed(advance.from)?,
            count: signed(advance.count)?,
            backend: advance.backend.to_string(),
            frontend: advance.frontend.map(|frontend| frontend.to_string()),
            record_extent: transaction.prepare_cached(queries::RECORD_EXTENT).await?,
            record_segment: transaction.prepare_cached(queries::RECORD_SEGMENT).await?,
        })
    }

    /// Its error is not judged here: it may be no more than the consequence of one before it.
    async fn record(&self, transaction: &Transaction<'_>) -> std::result::Result<(), tokio_postgres::Error> {
        if self.count == 0 {
            return Ok(());
        }
        let Self { upload, epoch, from, count, backend, frontend, record_extent, record_segment } = self;
        let (extent, segment) = join(
            transaction.execute(record_extent, &[upload, epoch, from, count]),
            transaction.execute(record_segment, &[upload, epoch, from, count, backend, frontend]),
        )
        .await;
        extent?;
        segment?;
        Ok(())
    }
}
