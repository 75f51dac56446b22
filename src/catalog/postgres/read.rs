//! What only reads.

use super::{queries, rows};
use crate::catalog::stored::{
    GONE_FOR, HEARD_LATELY, changed, look_back, read_report, signed, sort_reports, told,
};
use crate::catalog::{CatalogError, Doomed, Record};
use crate::db::Error;
use crate::domain::{BlobId, Changed, Extent, Moment, Segment, UploadId};
use crate::replica::{Census, Report};
use deadpool_postgres::ClientWrapper;
use futures_util::future::try_join;
use std::ops::Range;
use std::time::Duration;
use tokio_postgres::types::ToSql;

type Result<T> = std::result::Result<T, Error>;

/// What there is under an id.
pub(super) enum Found {
    Record(Box<Record>),
    Gone,
    Nothing,
}

impl Found {
    pub(super) fn record(self) -> std::result::Result<Record, CatalogError> {
        match self {
            Self::Record(record) => Ok(*record),
            Self::Gone => Err(CatalogError::Gone),
            Self::Nothing => Err(CatalogError::NotFound),
        }
    }

    /// Why a condition on the record did not hold: it is not as the caller thought, or it is not there.
    pub(super) fn conflict(self) -> CatalogError {
        match self.record() {
            Ok(record) => CatalogError::Conflict(Box::new(record.upload)),
            Err(error) => error,
        }
    }
}

pub(super) async fn find(client: &ClientWrapper, id: UploadId) -> Result<Found> {
    let id = id.as_uuid();
    let statement = client.prepare_cached(queries::FIND).await?;
    if let Some(row) = client.query_opt(&statement, &[&id, &HEARD_LATELY.as_secs_f64()]).await? {
        return Ok(Found::Record(Box::new(rows::record(&row)?)));
    }
    // Asked second: what is removed in between has left its tombstone by now.
    let statement = client.prepare_cached(queries::TOMBSTONE).await?;
    let tombstone = client.query_opt(&statement, &[&id, &GONE_FOR.as_secs_f64()]).await?;
    Ok(if tombstone.is_some() { Found::Gone } else { Found::Nothing })
}

/// Those that have bytes of `range`, whole.
pub(super) async fn extents(client: &ClientWrapper, id: UploadId, range: &Range<u64>) -> Result<Vec<Extent>> {
    let statement = client.prepare_cached(queries::EXTENTS).await?;
    let values: [&(dyn ToSql + Sync); 3] = [&id.as_uuid(), &signed(range.start)?, &signed(range.end)?];
    client.query(&statement, &values).await?.iter().map(rows::extent).collect()
}

/// The second question is on its way before the first is answered.
pub(super) async fn find_with_extents(
    client: &ClientWrapper,
    id: UploadId,
    range: &Range<u64>,
) -> Result<(Found, Vec<Extent>)> {
    // Prepared before: were one of them only now, the other would be asked first.
    client.prepare_cached(queries::FIND).await?;
    client.prepare_cached(queries::EXTENTS).await?;
    try_join(find(client, id), extents(client, id, range)).await
}

pub(super) async fn segments(client: &ClientWrapper, id: UploadId) -> Result<Vec<Segment>> {
    let statement = client.prepare_cached(queries::SEGMENTS).await?;
    let rows = client.query(&statement, &[&id.as_uuid()]).await?;
    let segments: Vec<Segment> = rows.iter().map(rows::segment).collect::<Result<_>>()?;
    Ok(told(segments))
}

pub(super) async fn doomed(
    client: &ClientWrapper,
    after: Option<&Doomed>,
    limit: u32,
) -> Result<Vec<Doomed>> {
    let statement = client.prepare_cached(queries::DOOMED).await?;
    let (since, blob) = after.map(|after| (after.since, after.blob.0)).unzip();
    let rows = client.query(&statement, &[&i64::from(limit), &since, &blob]).await?;
    rows.iter().map(|row| Ok(Doomed { blob: BlobId(row.try_get(0)?), since: row.try_get(1)? })).collect()
}

/// The clock is asked first: what the questions after it do not see yet is committed later, and looked for again.
pub(super) async fn changes(client: &ClientWrapper, since: Option<Moment>, limit: u32) -> Result<Changed> {
    let statement = client.prepare_cached(queries::NOW).await?;
    let now = Moment::of(client.query_one(&statement, &[]).await?.try_get(0)?);
    let Some(since) = since else { return Ok(changed(now, Vec::new(), Vec::new(), limit)) };
    let Some(from) = look_back(since, now) else { return Ok(Changed { upto: now, news: None }) };
    let values: [&(dyn ToSql + Sync); 2] = [&from.time(), &(i64::from(limit) + 1)];
    let statement = client.prepare_cached(queries::COMPLETED).await?;
    let completed = client.query(&statement, &values).await?;
    let statement = client.prepare_cached(queries::REMOVED).await?;
    let removed = client.query(&statement, &values).await?;
    let completed = completed.iter().map(rows::upload).collect::<Result<_>>()?;
    let removed = removed.iter().map(|row| Ok(UploadId::from_stored(row.try_get(0)?)));
    Ok(changed(now, completed, removed.collect::<Result<_>>()?, limit))
}

pub(super) async fn replicas(client: &ClientWrapper, within: Duration) -> Result<Census> {
    // Before those who report themselves meanwhile: nobody is silent who was heard of after this.
    let statement = client.prepare_cached(queries::NOW).await?;
    let now = client.query_one(&statement, &[]).await?.try_get(0)?;
    let statement = client.prepare_cached(queries::REPLICAS).await?;
    let mut reports = Vec::new();
    for row in client.query(&statement, &[&within.as_secs_f64()]).await? {
        if let Some(report) = read_report(row.try_get(0)?, row.try_get(2)?) {
            reports.push(Report { last_seen: row.try_get(1)?, ..report });
        }
    }
    sort_reports(&mut reports);
    Ok(Census::taken(now, reports))
}
