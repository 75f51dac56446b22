//! Bytes that do not count yet: see the table `pending`.

use super::write::{Place, Range, store};
use super::{queries, rows};
use crate::catalog::Advance;
use crate::catalog::stored::{signed, unsigned};
use crate::db::{Error, Staged};
use crate::domain::{Upload, UploadId};
use deadpool_postgres::Transaction;
use futures_util::future::{join, join3};
use std::time::Duration;

type Result<T> = std::result::Result<T, Error>;

/// Stores a chunk behind what counts. As [`super::write::append`], but the offset stays.
pub(super) async fn append(
    transaction: &Transaction<'_>,
    id: UploadId,
    advance: &Advance,
    staged: &Staged,
    ttl: Duration,
) -> Result<Option<Upload>> {
    let hold = transaction.prepare_cached(queries::HOLD).await?;
    let keep = transaction.prepare_cached(queries::KEEP).await?;
    let range = Range::prepare(transaction, id, advance).await?;
    let place = Place::of(id, advance)?;
    let Place { id, epoch, offset, from, count } = &place;
    let end = signed(advance.from + advance.count)?;
    let digest = advance.digest.save();

    if !place.pin(transaction).await? {
        return Ok(None);
    }
    store(staged, transaction).await?;
    let (recorded, held, kept) = join3(
        range.record_segment(transaction),
        transaction.execute(&hold, &[id, epoch, from, count, offset, &digest]),
        transaction.query_opt(&keep, &[id, epoch, offset, &end, &ttl.as_secs_f64()]),
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
pub(super) async fn release(transaction: &Transaction<'_>, place: &Place) -> Result<bool> {
    let release_pending = transaction.prepare_cached(queries::RELEASE_PENDING).await?;
    let release_segments = transaction.prepare_cached(queries::RELEASE_SEGMENTS).await?;
    let Place { id, epoch, from, .. } = place;
    let (pending, segments) = join(
        transaction.execute(&release_pending, &[id, epoch, from]),
        transaction.execute(&release_segments, &[id, epoch]),
    )
    .await;
    let released = pending?;
    segments?;
    Ok(released == 1)
}
