//! What changes records, each inside of a transaction that the caller ends.
//!
//! Statements that do not need each other's answers are sent together. All answers are waited for, and the first error in
//! their order counts: those behind it only say that the transaction is void, and may be seen before it by another thread.
//!
//! `None` says that the record is not as the caller thought. So does [`Error::Duplicate`] in an append or a creation: a row
//! at the same place in the same epoch can only have been committed together with an offset, or an end of what is pending, that has moved past it.

use super::sharing::Sharing;
use super::{pending, queries, rows};
use crate::catalog::Advance;
use crate::catalog::stored::{GONE_FOR, fold, signed};
use crate::db::{Error, Staged};
use crate::domain::{BlobId, Concat, Digest, Epoch, NewUpload, Upload, UploadId};
use deadpool_postgres::Transaction;
use futures_util::future::{join, join3, join4, join5};
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
    let mut sharing = Sharing::prepare(transaction, new.id, first).await?;
    let length = first.and_then(|first| first.length).or(new.length).map(signed).transpose()?;
    let offset = signed(first.map_or(0, |first| first.count))?;
    let digest = first.map_or_else(|| Digest::default().save(), |first| first.digest.save());
    let sha256 = first.and_then(|first| first.sha256).map(|sum| sum.0.to_vec());
    let id = new.id.as_uuid();
    let (filename, filename_key) = (new.filename.as_str(), fold(new.filename.as_str()));
    let concat = new.concat.as_ref().map(Concat::to_string);

    sharing.look(transaction).await?;
    if !sharing.has_twin() {
        store(staged, transaction).await?;
    }
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
    // The tombstone behind them: a removal that we had to wait for has left one by then.
    let (created, blob, range, tombstone, looked) = join5(
        transaction.query_opt(&insert_upload, &values),
        transaction.execute(&insert_blob, &[&id]),
        async {
            match &range {
                Some(range) => range.record(transaction).await,
                None => Ok(()),
            }
        },
        transaction.query_opt(&tombstone, &[&id, &GONE_FOR.as_secs_f64()]),
        sharing.look_in_turn(transaction),
    )
    .await;
    let created = created?;
    blob?;
    range?;
    let tombstone = tombstone?;
    looked?;
    match (tombstone, created) {
        (None, Some(created)) => {
            sharing.share(transaction).await?;
            rows::upload(&created).map(Some)
        }
        (Some(_), _) | (_, None) => Ok(None),
    }
}

pub(super) async fn append(
    transaction: &Transaction<'_>,
    id: UploadId,
    advance: &Advance,
    staged: &Staged,
    ttl: Duration,
) -> Result<Option<Upload>> {
    let compare_and_set = transaction.prepare_cached(queries::ADVANCE).await?;
    let range = Range::prepare(transaction, id, advance).await?;
    let mut sharing = Sharing::prepare(transaction, id, Some(advance)).await?;
    let place = Place::of(id, advance)?;
    let Place { id, epoch, offset, from, count } = &place;
    let length = advance.length.map(signed).transpose()?;
    let (digest, sha256) = (advance.digest.save(), advance.sha256.map(|sum| sum.0.to_vec()));

    let (pinned, looked) = join(place.pin(transaction), sharing.look(transaction)).await;
    if !pinned? {
        return Ok(None);
    }
    looked?;
    if !sharing.has_twin() {
        store(staged, transaction).await?;
    }
    if offset < from && !pending::release(transaction, &place).await? {
        return Ok(None);
    }
    sharing.look_in_turn(transaction).await?;
    let values: [&(dyn ToSql + Sync); 9] =
        [id, epoch, offset, count, &length, &digest, &sha256, &ttl.as_secs_f64(), from];
    let compare_and_set = transaction.query_opt(&compare_and_set, &values);
    let record = async {
        match sharing.has_twin() {
            // The twin's extents count. One of our own would be given up with a blob that, where the same chunk came twice
            // and the other was first, is given up already.
            true => range.record_segment(transaction).await,
            false => range.record(transaction).await,
        }
    };
    let (recorded, shared, advanced) = join3(record, sharing.share(transaction), compare_and_set).await;
    recorded?;
    shared?;
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

/// Where a chunk goes, as its columns say it.
pub(super) struct Place {
    pub(super) id: Uuid,
    pub(super) epoch: i64,
    pub(super) offset: i64,
    pub(super) from: i64,
    pub(super) count: i64,
}

impl Place {
    pub(super) fn of(id: UploadId, advance: &Advance) -> Result<Self> {
        Ok(Self {
            id: id.as_uuid(),
            epoch: advance.epoch.0,
            offset: signed(advance.offset)?,
            from: signed(advance.from)?,
            count: signed(advance.count)?,
        })
    }

    /// Whether the record is as the writer thinks. If so it stays until the end of the transaction.
    pub(super) async fn pin(&self, transaction: &Transaction<'_>) -> Result<bool> {
        let pin = transaction.prepare_cached(queries::PIN).await?;
        let Self { id, epoch, offset, from, .. } = self;
        Ok(transaction.query_opt(&pin, &[id, epoch, offset, from]).await?.is_some())
    }
}

/// The bytes that a chunk adds to its upload, if any, and who brought them.
pub(super) struct Range {
    place: Place,
    backend: String,
    frontend: Option<String>,
    pending: bool,
    record_extent: Statement,
    record_segment: Statement,
}

impl Range {
    pub(super) async fn prepare(
        transaction: &Transaction<'_>,
        id: UploadId,
        advance: &Advance,
    ) -> Result<Self> {
        Ok(Self {
            place: Place::of(id, advance)?,
            pending: advance.pending,
            backend: advance.backend.to_string(),
            frontend: advance.frontend.map(|frontend| frontend.to_string()),
            record_extent: transaction.prepare_cached(queries::RECORD_EXTENT).await?,
            record_segment: transaction.prepare_cached(queries::RECORD_SEGMENT).await?,
        })
    }

    /// Its error is not judged here: it may be no more than the consequence of one before it.
    async fn record(&self, transaction: &Transaction<'_>) -> std::result::Result<(), tokio_postgres::Error> {
        let (extent, segment) = join(self.record_extent(transaction), self.record_segment(transaction)).await;
        extent.and(segment)
    }

    /// Of the chunk, and of what was pending before it.
    async fn record_extent(
        &self,
        transaction: &Transaction<'_>,
    ) -> std::result::Result<(), tokio_postgres::Error> {
        let Place { id, epoch, offset, from, count } = &self.place;
        let count = from + count - offset;
        if count > 0 {
            transaction.execute(&self.record_extent, &[id, epoch, offset, &count]).await?;
        }
        Ok(())
    }

    /// As [`Range::record`]. Of the chunk alone.
    pub(super) async fn record_segment(
        &self,
        transaction: &Transaction<'_>,
    ) -> std::result::Result<(), tokio_postgres::Error> {
        let Self { place: Place { id, epoch, from, count, .. }, backend, frontend, pending, .. } = self;
        if *count > 0 {
            let values: [&(dyn ToSql + Sync); 7] = [id, epoch, from, count, backend, frontend, pending];
            transaction.execute(&self.record_segment, &values).await?;
        }
        Ok(())
    }
}
