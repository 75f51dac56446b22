//! What changes records. Each function is (part of) one transaction; on an error it is rolled back.

use super::read::conflict;
use super::sharing::share;
use super::{queries, rows};
use crate::catalog::stored::{PART_STAYS, fold, signed};
use crate::catalog::{Advance, CatalogError};
use crate::domain::{BlobId, Concat, Digest, Epoch, NewUpload, Upload, UploadId};
use rusqlite::{OptionalExtension, Transaction, params};
use std::time::Duration;

type Result<T> = std::result::Result<T, CatalogError>;

pub(super) fn create(
    transaction: &Transaction<'_>,
    new: &NewUpload,
    first: Option<&Advance>,
    ttl: Duration,
) -> Result<Upload> {
    if super::read::is_gone(transaction, new.id)? {
        return Err(CatalogError::Gone);
    }
    let now = rows::now();
    let fate = Fate::of(first, now, ttl)?;
    let length = first.and_then(|first| first.length).or(new.length).map(signed).transpose()?;
    let digest = first.map_or_else(|| Digest::default().save(), |first| first.digest.save());
    let id = new.id.as_uuid().into_bytes();
    let created = transaction
        .prepare_cached(queries::INSERT_UPLOAD)?
        .query_row(
            params![
                id,
                new.filename.as_str(),
                fold(new.filename.as_str()),
                new.content_type,
                new.metadata,
                length,
                signed(first.map_or(0, |first| first.count))?,
                Epoch::FIRST.0,
                digest,
                fate.sha256,
                now,
                fate.completed_at,
                fate.expires_at,
                new.concat.as_ref().map(Concat::to_string),
                first.and_then(|first| seen_at(first, now))
            ],
            rows::upload,
        )
        .optional()?;
    let Some(created) = created else { return Err(conflict(transaction, new.id)) };
    if transaction.prepare_cached(queries::INSERT_BLOB)?.execute([id])? == 0 {
        return Err(CatalogError::Gone);
    }
    if let Some(first) = first {
        record_range(transaction, new.id, first)?;
        share(transaction, new.id, first)?;
    }
    Ok(created)
}

pub(super) fn claim(
    transaction: &Transaction<'_>,
    id: UploadId,
    offset: u64,
    after: Option<Epoch>,
) -> Result<Upload> {
    let after = after.map(|epoch| epoch.0);
    let values = params![id.as_uuid().into_bytes(), signed(offset)?, after, rows::now()];
    let claimed = transaction.prepare_cached(queries::CLAIM)?.query_row(values, rows::upload).optional()?;
    claimed.ok_or_else(|| conflict(transaction, id))
}

/// There is one writer, so the order of statements does not matter here as it does in PostgreSQL.
pub(super) fn append(
    transaction: &Transaction<'_>,
    id: UploadId,
    advance: &Advance,
    ttl: Duration,
) -> Result<Upload> {
    if advance.pending {
        return hold(transaction, id, advance, ttl);
    }
    let now = rows::now();
    let fate = Fate::of(Some(advance), now, ttl)?;
    let appended = transaction
        .prepare_cached(queries::ADVANCE)?
        .query_row(
            params![
                id.as_uuid().into_bytes(),
                advance.epoch.0,
                signed(advance.offset)?,
                signed(advance.count)?,
                advance.length.map(signed).transpose()?,
                advance.digest.save(),
                fate.sha256,
                fate.completed_at,
                fate.expires_at,
                signed(advance.from)?,
                seen_at(advance, now)
            ],
            rows::upload,
        )
        .optional()?;
    let Some(appended) = appended else { return Err(conflict(transaction, id)) };
    if advance.offset < advance.from {
        let values = params![id.as_uuid().into_bytes(), advance.epoch.0];
        transaction.prepare_cached(queries::RELEASE_PENDING)?.execute(values)?;
        transaction.prepare_cached(queries::RELEASE_SEGMENTS)?.execute(values)?;
    }
    record_range(transaction, id, advance)?;
    share(transaction, id, advance)?;
    Ok(appended)
}

/// Stores a chunk behind what counts.
fn hold(transaction: &Transaction<'_>, id: UploadId, advance: &Advance, ttl: Duration) -> Result<Upload> {
    let now = rows::now();
    let expires_at = Fate::of(Some(advance), now, ttl)?.expires_at;
    let (key, end) = (id.as_uuid().into_bytes(), signed(advance.from + advance.count)?);
    let (offset, from) = (signed(advance.offset)?, signed(advance.from)?);
    let kept = transaction
        .prepare_cached(queries::KEEP)?
        .query_row(
            params![key, advance.epoch.0, offset, end, expires_at, from, seen_at(advance, now)],
            rows::upload,
        )
        .optional()?;
    let Some(kept) = kept else { return Err(conflict(transaction, id)) };
    if advance.count > 0 {
        let values = params![key, advance.epoch.0, end, advance.digest.save()];
        transaction.prepare_cached(queries::HOLD)?.execute(values)?;
        record_segment(transaction, id, advance)?;
    }
    Ok(Upload { pending: (end > offset).then_some(advance.from + advance.count), ..kept })
}

pub(super) fn terminate(transaction: &Transaction<'_>, id: UploadId) -> Result<Vec<BlobId>> {
    super::read::find(transaction, id)?;
    remove(transaction, id)
}

/// Leaves a tombstone instead of the record. Returns the blobs that are doomed by it.
pub(super) fn remove(transaction: &Transaction<'_>, id: UploadId) -> Result<Vec<BlobId>> {
    let (id, now) = (id.as_uuid().into_bytes(), rows::now());
    let doomed = release_blobs(transaction, id)?;
    transaction.prepare_cached(queries::DELETE_UPLOAD)?.execute([id])?;
    transaction.prepare_cached(queries::INSERT_TOMBSTONE)?.execute(params![id, now])?;
    Ok(doomed)
}

/// An upload refers to its blobs no longer. Returns those that are doomed by it.
pub(super) fn release_blobs(transaction: &Transaction<'_>, id: [u8; 16]) -> Result<Vec<BlobId>> {
    let released: Vec<(BlobId, i64)> = transaction
        .prepare_cached(queries::RELEASE_BLOBS)?
        .query_map(params![id, rows::now()], |row| Ok((rows::blob(row, 0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(released.into_iter().filter(|(_, refs)| *refs == 0).map(|(blob, _)| blob).collect())
}

/// Counts the bytes of `advance` in, and who brought them. What goes on where the last row of its epoch ends makes that row
/// longer, so that a large upload does not leave a row for each chunk.
fn record_range(transaction: &Transaction<'_>, id: UploadId, advance: &Advance) -> Result<()> {
    let offset = advance.offset;
    let count = advance.from + advance.count - offset;
    if count > 0 {
        let range = params![id.as_uuid().into_bytes(), advance.epoch.0, signed(offset)?, signed(count)?];
        if transaction.prepare_cached(queries::GROW_EXTENT)?.execute(range)? == 0 {
            transaction.prepare_cached(queries::INSERT_EXTENT)?.execute(range)?;
        }
    }
    record_segment(transaction, id, advance)
}

/// Who brought the bytes of the chunk alone.
fn record_segment(transaction: &Transaction<'_>, id: UploadId, advance: &Advance) -> Result<()> {
    if advance.count == 0 {
        return Ok(());
    }
    let id = id.as_uuid().into_bytes();
    let (from, count) = (signed(advance.from)?, signed(advance.count)?);
    let (backend, frontend) = (advance.backend.as_str(), advance.frontend.as_ref().map(|f| f.as_str()));
    let range = params![id, advance.epoch.0, from, count, backend, frontend, advance.pending];
    if transaction.prepare_cached(queries::GROW_SEGMENT)?.execute(range)? == 0 {
        transaction.prepare_cached(queries::INSERT_SEGMENT)?.execute(range)?;
    }
    Ok(())
}

/// When its writer was heard of, if it may bring more.
fn seen_at(advance: &Advance, now: i64) -> Option<i64> {
    advance.more.then_some(now)
}

/// What a chunk makes of its upload: complete, or one that expires later.
struct Fate {
    sha256: Option<[u8; 32]>,
    completed_at: Option<i64>,
    /// Of no upload that is complete, unless it is only a part of others.
    expires_at: i64,
}

impl Fate {
    fn of(advance: Option<&Advance>, now: i64, ttl: Duration) -> Result<Self> {
        let sum = advance.and_then(|advance| advance.sha256);
        // Of what is complete only a part expires at all.
        let ttl = if sum.is_some() { ttl.saturating_mul(PART_STAYS.unsigned_abs()) } else { ttl };
        let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        Ok(Self {
            sha256: sum.map(|sum| sum.0),
            completed_at: sum.map(|_| now),
            expires_at: now.saturating_add(ttl),
        })
    }
}
