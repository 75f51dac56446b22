//! What changes records, each inside of a transaction that the caller ends.
//!
//! Statements that do not need each other's answers are sent together. All answers are waited for, and the first error in
//! their order counts: those behind it only say that the transaction is void, and may be seen before it by another thread.
//!
//! `None` says that the record is not as the caller thought. So does [`Error::Duplicate`] in an append or a creation: a row
//! at the same place in the same epoch can only have been committed together with an offset, or an end of what is pending, that has moved past it.

use super::changes::{Chunk, Creation};
use super::sharing::Sharing;
use super::{pending, queries, rows};
use crate::catalog::stored::GONE_FOR;
use crate::db::{Error, Staged};
use crate::domain::{BlobId, Upload, UploadId};
use deadpool_postgres::Transaction;
use futures_util::future::{join, join4};

type Result<T> = std::result::Result<T, Error>;

pub(super) async fn create(
    transaction: &Transaction<'_>,
    creation: &Creation<'_>,
    staged: &Staged,
) -> Result<Option<Upload>> {
    let create = transaction.prepare_cached(queries::CREATE).await?;
    let tombstone = transaction.prepare_cached(queries::TOMBSTONE).await?;
    let mut sharing = Sharing::prepare(transaction, creation.id, creation.content()).await?;

    if matches!(staged, Staged::InTransaction(_)) {
        sharing.look(transaction).await?;
        if !sharing.has_twin() {
            store(staged, transaction).await?;
        }
    }
    sharing.look_in_turn(transaction).await?;
    // The tombstone behind it: a removal that we had to wait for has left one by then.
    let (created, tombstone) = join(
        transaction.query_opt(&create, &creation.values(&false)),
        transaction.query_opt(&tombstone, &[&creation.id, &GONE_FOR.as_secs_f64()]),
    )
    .await;
    match (created?, tombstone?) {
        (Some(created), None) => {
            sharing.share(transaction).await?;
            rows::upload(&created).map(Some)
        }
        (None, _) | (_, Some(_)) => Ok(None),
    }
}

pub(super) async fn append(
    transaction: &Transaction<'_>,
    chunk: &Chunk,
    staged: &Staged,
) -> Result<Option<Upload>> {
    let pin = transaction.prepare_cached(queries::PIN).await?;
    let advance = transaction.prepare_cached(queries::ADVANCE).await?;
    let mut sharing = Sharing::prepare(transaction, chunk.id, chunk.content()).await?;

    let (pinned, looked) = join(transaction.query_opt(&pin, &chunk.place()), sharing.look(transaction)).await;
    if pinned?.is_none() {
        return Ok(None);
    }
    looked?;
    if !sharing.has_twin() {
        store(staged, transaction).await?;
    }
    if chunk.offset < chunk.from && !pending::release(transaction, chunk).await? {
        return Ok(None);
    }
    sharing.look_in_turn(transaction).await?;
    let Some(advanced) = transaction.query_opt(&advance, &chunk.values(&false)).await? else {
        return Ok(None);
    };
    sharing.share(transaction).await?;
    rows::upload(&advanced).map(Some)
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
    let hold_blobs = transaction.prepare_cached(queries::HOLD_BLOBS).await?;
    let release_blobs = transaction.prepare_cached(queries::RELEASE_BLOBS).await?;
    let delete_upload = transaction.prepare_cached(queries::DELETE_UPLOAD).await?;
    let insert_tombstone = transaction.prepare_cached(queries::INSERT_TOMBSTONE).await?;
    let id = id.as_uuid();
    let (held, released, deleted, buried) = join4(
        transaction.execute(&hold_blobs, &[&vec![id]]),
        transaction.query(&release_blobs, &[&id]),
        transaction.execute(&delete_upload, &[&id]),
        transaction.execute(&insert_tombstone, &[&id]),
    )
    .await;
    held?;
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

/// Stores what becomes durable with this transaction.
pub(super) async fn store(staged: &Staged, transaction: &Transaction<'_>) -> Result<()> {
    match staged {
        Staged::InTransaction(part) => Ok(part.run(transaction).await?),
        Staged::Durable => Ok(()),
    }
}
