//! What a sweep asks and changes. There is one writer, so nothing comes between two statements of a transaction.

use super::read::micros_ago;
use super::{queries, rows, write};
use crate::catalog::stored::{GONE_FOR, HEARD_LATELY};
use crate::catalog::{CatalogError, Strays};
use crate::domain::{BlobEpoch, BlobId, UploadId};
use rusqlite::{Connection, Transaction, params};

type Result<T> = std::result::Result<T, CatalogError>;

pub(super) fn expire(transaction: &Transaction<'_>, limit: u32) -> Result<Vec<UploadId>> {
    let expired: Vec<UploadId> = transaction
        .prepare_cached(queries::EXPIRED)?
        .query_map(params![rows::now(), limit, micros_ago(HEARD_LATELY)], |row| rows::id(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in &expired {
        write::remove(transaction, *id)?;
    }
    Ok(expired)
}

pub(super) fn strays(connection: &Connection, stored: &[BlobEpoch]) -> Result<Strays> {
    let mut strays = Strays::default();
    let mut statement = connection.prepare_cached(queries::STRAY)?;
    for bytes in stored {
        let (unknown, lost): (bool, bool) = statement
            .query_row(params![bytes.blob.0.into_bytes(), bytes.epoch.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        match (unknown, lost) {
            (true, _) => strays.unknown.push(bytes.blob),
            (false, true) => strays.lost.push(*bytes),
            (false, false) => {}
        }
    }
    Ok(strays)
}

pub(super) fn condemn(transaction: &Transaction<'_>, blobs: &[BlobId]) -> Result<Vec<BlobId>> {
    let now = rows::now();
    let mut condemned = Vec::new();
    for blob in blobs {
        let values = params![blob.0.into_bytes(), now];
        if transaction.prepare_cached(queries::CONDEMN)?.execute(values)? > 0 {
            transaction.prepare_cached(queries::BURY)?.execute(values)?;
            condemned.push(*blob);
        }
    }
    Ok(condemned)
}

pub(super) fn tidy(transaction: &Transaction<'_>) -> Result<()> {
    let long_ago = [micros_ago(GONE_FOR)];
    transaction.prepare_cached(queries::FORGET_TOMBSTONES)?.execute(long_ago)?;
    transaction.prepare_cached(queries::FORGET_REPLICAS)?.execute(long_ago)?;
    transaction.prepare_cached(queries::FORGET_SEGMENTS)?.execute([])?;
    transaction.prepare_cached(queries::FORGET_PENDING)?.execute([])?;
    Ok(())
}
