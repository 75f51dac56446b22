//! Bytes that do not count yet: see the table `pending`.

use super::changes::Chunk;
use super::write::store;
use super::{queries, rows};
use crate::catalog::stored::unsigned;
use crate::db::{Error, Staged};
use crate::domain::Upload;
use deadpool_postgres::Transaction;
use futures_util::future::{join, join3};
use tokio_postgres::types::ToSql;

type Result<T> = std::result::Result<T, Error>;

/// Stores a chunk behind what counts. As [`super::write::append`], but the offset stays.
pub(super) async fn append(
    transaction: &Transaction<'_>,
    chunk: &Chunk,
    staged: &Staged,
) -> Result<Option<Upload>> {
    let pin = transaction.prepare_cached(queries::PIN).await?;
    let record_segment = transaction.prepare_cached(queries::RECORD_PENDING_SEGMENT).await?;
    let hold = transaction.prepare_cached(queries::HOLD).await?;
    let keep = transaction.prepare_cached(queries::KEEP).await?;
    let Chunk { id, epoch, offset, from, count, digest, ttl, backend, frontend, more, .. } = chunk;
    let end = chunk.end();

    if transaction.query_opt(&pin, &chunk.place()).await?.is_none() {
        return Ok(None);
    }
    store(staged, transaction).await?;
    let segment: [&(dyn ToSql + Sync); 6] = [id, epoch, from, count, backend, frontend];
    let (recorded, held, kept) = join3(
        transaction.execute(&record_segment, &segment),
        transaction.execute(&hold, &[id, epoch, from, count, offset, digest]),
        transaction.query_opt(&keep, &[id, epoch, offset, &end, ttl, more]),
    )
    .await;
    recorded?;
    let (held, kept) = (held?, kept?);
    match kept {
        Some(row) if held == u64::from(*count > 0) => {
            let pending = (end > *offset).then_some(unsigned(end));
            Ok(Some(Upload { pending, ..rows::upload(&row)? }))
        }
        Some(_) | None => Ok(None),
    }
}

/// What is pending before a chunk becomes part of it. False if that is not there.
pub(super) async fn release(transaction: &Transaction<'_>, chunk: &Chunk) -> Result<bool> {
    let release_pending = transaction.prepare_cached(queries::RELEASE_PENDING).await?;
    let release_segments = transaction.prepare_cached(queries::RELEASE_SEGMENTS).await?;
    let Chunk { id, epoch, from, .. } = chunk;
    let (pending, segments) = join(
        transaction.execute(&release_pending, &[id, epoch, from]),
        transaction.execute(&release_segments, &[id, epoch]),
    )
    .await;
    let released = pending?;
    segments?;
    Ok(released == 1)
}
