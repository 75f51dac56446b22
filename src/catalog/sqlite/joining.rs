//! Final uploads. There is one writer, so nothing comes between two statements of a transaction.

use super::queries::joining as sql;
use super::{SqliteCatalog, read, rows};
use crate::catalog::CatalogError;
use crate::catalog::finals::{Finals, Joined, PIECES_JOINED, Part, Parts, Plan, Progress, Undigested};
use crate::catalog::stored::{fold, signed, unsigned};
use crate::db::sqlite::Durability;
use crate::domain::{Concat, Digest, Epoch, NewUpload, Upload, UploadId};
use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::time::Duration;

type Result<T> = std::result::Result<T, CatalogError>;

#[async_trait]
impl Finals for SqliteCatalog {
    async fn create_final(&self, new: &NewUpload, limit: u64, ttl: Duration) -> Result<Upload> {
        let new = new.clone();
        self.database.write(Durability::Full, move |transaction| create(transaction, &new, limit, ttl)).await
    }

    async fn join(&self, id: UploadId, limit: u64) -> Result<Upload> {
        self.database.write(Durability::Full, move |transaction| join_if_due(transaction, id, limit)).await
    }

    async fn finals_of(&self, part: UploadId, limit: u32) -> Result<Vec<UploadId>> {
        self.database
            .read(move |connection| {
                let mut statement = connection.prepare_cached(sql::FINALS_OF)?;
                let finals = statement
                    .query_map(params![part.as_uuid().into_bytes(), limit], |row| rows::id(row, 0))?;
                Ok(finals.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn joinable(&self, after: Option<UploadId>, limit: u32) -> Result<Vec<UploadId>> {
        let after = after.map(|id| id.as_uuid().into_bytes());
        self.database
            .read(move |connection| {
                let mut statement = connection.prepare_cached(sql::JOINABLE)?;
                let finals = statement.query_map(params![limit, after], |row| rows::id(row, 0))?;
                Ok(finals.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn undigested(&self, after: Option<&Undigested>, limit: u32) -> Result<Vec<Undigested>> {
        let (since, id) =
            after.map(|after| (rows::micros(after.since), after.id.as_uuid().into_bytes())).unzip();
        self.database
            .read(move |connection| {
                let mut statement = connection.prepare_cached(sql::UNDIGESTED)?;
                let found = statement.query_map(params![limit, since, id], undigested)?;
                Ok(found.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn digested(&self, id: UploadId, from: u64, now: &Progress) -> Result<()> {
        let (state, end, sha256) = now.parts();
        self.database
            .write(Durability::Full, move |transaction| {
                let end = end.map(signed).transpose()?;
                let values = params![id.as_uuid().into_bytes(), signed(from)?, state, end, sha256];
                transaction.prepare_cached(sql::RECORD_PROGRESS)?.execute(values)?;
                Ok(())
            })
            .await
    }
}

fn create(transaction: &Transaction<'_>, new: &NewUpload, limit: u64, ttl: Duration) -> Result<Upload> {
    if read::is_gone(transaction, new.id)? {
        return Err(CatalogError::Gone);
    }
    let (id, now) = (new.id.as_uuid().into_bytes(), rows::now());
    let created = transaction
        .prepare_cached(sql::INSERT_FINAL)?
        .query_row(
            params![
                id,
                new.filename.as_str(),
                fold(new.filename.as_str()),
                new.content_type,
                new.metadata,
                Epoch::FIRST.0,
                Digest::default().save(),
                now,
                now.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)),
                new.concat.as_ref().map(Concat::to_string)
            ],
            rows::upload,
        )
        .optional()?;
    let Some(created) = created else { return Err(read::conflict(transaction, new.id)) };
    for (position, part) in (1..).zip(&new.parts) {
        let values: (_, i64, _) = (id, position, part.as_uuid().into_bytes());
        transaction.prepare_cached(sql::INSERT_PART)?.execute(values)?;
    }
    let parts = find_parts(transaction, new.id)?;
    parts.check()?;
    carry_out(transaction, created, parts.plan(limit)?)
}

fn join_if_due(transaction: &Transaction<'_>, id: UploadId, limit: u64) -> Result<Upload> {
    let upload = read::find(transaction, id)?.upload;
    if !upload.waits_for_parts() {
        return Ok(upload);
    }
    carry_out(transaction, upload, find_parts(transaction, id)?.plan(limit)?)
}

fn find_parts(transaction: &Transaction<'_>, id: UploadId) -> Result<Parts> {
    let id = [id.as_uuid().into_bytes()];
    let ids = transaction
        .prepare_cached(sql::PARTS)?
        .query_map(id, |row| rows::id(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    let there = transaction
        .prepare_cached(sql::PARTS_THERE)?
        .query_map(params![id[0], signed(PIECES_JOINED + 1)?], part)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Parts { ids, there })
}

fn carry_out(transaction: &Transaction<'_>, upload: Upload, plan: Plan) -> Result<Upload> {
    match plan {
        Plan::Join(joined) => take_over(transaction, upload.id, &joined),
        Plan::Wait(length) if length == upload.length || length.is_none() => Ok(upload),
        Plan::Wait(length) => {
            let values = params![upload.id.as_uuid().into_bytes(), length.map(signed).transpose()?];
            Ok(transaction.prepare_cached(sql::RECORD_LENGTH)?.query_row(values, rows::upload)?)
        }
    }
}

/// Refers to what the parts refer to. From here on they may go.
fn take_over(transaction: &Transaction<'_>, id: UploadId, joined: &Joined) -> Result<Upload> {
    let id = id.as_uuid().into_bytes();
    if joined.traced {
        transaction.prepare_cached(sql::COPY_PART_SEGMENTS)?.execute([id])?;
    }
    for sql in [sql::REFER_TO_PART_BLOBS, sql::COPY_PART_EXTENTS, sql::DELETE_PARTS] {
        transaction.prepare_cached(sql)?.execute([id])?;
    }
    let digested = joined.digested.map(signed).transpose()?;
    let values = params![id, signed(joined.length)?, joined.state, digested, joined.sha256, rows::now()];
    Ok(transaction.prepare_cached(sql::COMPLETE_FINAL)?.query_row(values, rows::upload)?)
}

fn part(row: &Row<'_>) -> rusqlite::Result<(UploadId, Part)> {
    let part = Part {
        partial: row.get(1)?,
        complete: row.get(2)?,
        length: row.get::<_, Option<i64>>(3)?.map(unsigned),
        state: row.get(4)?,
        sha256: row.get(5)?,
        extents: unsigned(row.get(6)?),
        segments: unsigned(row.get(7)?),
    };
    Ok((rows::id(row, 0)?, part))
}

fn undigested(row: &Row<'_>) -> rusqlite::Result<Undigested> {
    Ok(Undigested {
        id: rows::id(row, 0)?,
        since: rows::time(row.get(1)?)?,
        length: unsigned(row.get(2)?),
        digested: unsigned(row.get(3)?),
        state: row.get(4)?,
    })
}
