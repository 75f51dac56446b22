//! What only reads.

use super::{queries, rows};
use crate::catalog::stored::{
    GONE_FOR, HEARD_LATELY, changed, fold, look_back, page, read_report, signed, sort_reports, told,
};
use crate::catalog::{CatalogError, Doomed, Record};
use crate::domain::{CatalogId, Changed, Extent, Listing, Moment, Page, Segment, SortKey, UploadId};
use crate::replica::{Census, Report};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::ops::Range;
use std::time::Duration;

type Result<T> = std::result::Result<T, CatalogError>;

pub(super) fn find(connection: &Connection, id: UploadId) -> Result<Record> {
    let found = connection
        .prepare_cached(queries::FIND)?
        .query_row(params![id.as_uuid().into_bytes(), micros_ago(HEARD_LATELY)], rows::record)
        .optional()?;
    match found {
        Some(record) => Ok(record),
        None if is_gone(connection, id)? => Err(CatalogError::Gone),
        None => Err(CatalogError::NotFound),
    }
}

/// Why a condition on the record did not hold: it is not as the caller thought, or it is not there.
pub(super) fn conflict(connection: &Connection, id: UploadId) -> CatalogError {
    match find(connection, id) {
        Ok(record) => CatalogError::Conflict(Box::new(record.upload)),
        Err(error) => error,
    }
}

pub(super) fn is_gone(connection: &Connection, id: UploadId) -> Result<bool> {
    let since = micros_ago(GONE_FOR);
    Ok(connection.prepare_cached(queries::TOMBSTONE)?.exists(params![id.as_uuid().into_bytes(), since])?)
}

/// Those that have bytes of `range`, whole.
pub(super) fn extents(connection: &Connection, id: UploadId, range: &Range<u64>) -> Result<Vec<Extent>> {
    let extents = connection
        .prepare_cached(queries::EXTENTS)?
        .query_map(
            params![id.as_uuid().into_bytes(), signed(range.start)?, signed(range.end)?],
            rows::extent,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(extents)
}

pub(super) fn segments(connection: &Connection, id: UploadId) -> Result<Vec<Segment>> {
    let segments = connection
        .prepare_cached(queries::SEGMENTS)?
        .query_map([id.as_uuid().into_bytes()], rows::segment)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(told(segments))
}

pub(super) fn doomed(connection: &Connection, after: Option<&Doomed>, limit: u32) -> Result<Vec<Doomed>> {
    let (since, blob) = after.map(|after| (rows::micros(after.since), after.blob.0.into_bytes())).unzip();
    let doomed = connection
        .prepare_cached(queries::DOOMED)?
        .query_map(params![limit, since, blob], rows::doomed)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(doomed)
}

pub(super) fn identity(connection: &Connection) -> Result<CatalogId> {
    Ok(CatalogId(connection.query_row(queries::IDENTITY, [], |row| rows::uuid(row, 0))?))
}

pub(super) fn list(connection: &Connection, listing: &Listing) -> Result<Page> {
    let mut values = vec![Value::Text(fold(&listing.search)), Value::Integer(i64::from(listing.limit) + 1)];
    if let Some(after) = &listing.after {
        values.push(Value::Blob(after.id.as_uuid().as_bytes().to_vec()));
        match listing.sort {
            SortKey::Created => {}
            SortKey::Name => values.push(Value::Text(fold(&after.name))),
            SortKey::Size => values.push(Value::Integer(signed(after.size)?)),
        }
    }
    let uploads = connection
        .prepare_cached(&queries::list(listing))?
        .query_map(params_from_iter(values), rows::upload)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(page(uploads, listing.limit))
}

/// The clock is asked first: what the questions after it do not see yet is committed later, and looked for again.
pub(super) fn changes(connection: &Connection, since: Option<Moment>, limit: u32) -> Result<Changed> {
    let now = Moment::from_micros(rows::now());
    let Some(since) = since else { return Ok(changed(now, Vec::new(), Vec::new(), limit)) };
    let Some(from) = look_back(since, now) else { return Ok(Changed { upto: now, news: None }) };
    let values = [from.micros(), i64::from(limit) + 1];
    let mut completed = connection.prepare_cached(queries::COMPLETED)?;
    let completed = completed.query_map(values, rows::upload)?.collect::<rusqlite::Result<_>>()?;
    let mut removed = connection.prepare_cached(queries::REMOVED)?;
    let removed = removed.query_map(values, |row| rows::id(row, 0))?.collect::<rusqlite::Result<_>>()?;
    Ok(changed(now, completed, removed, limit))
}

pub(super) fn replicas(connection: &Connection, within: Duration) -> Result<Census> {
    let now = rows::time(rows::now())?;
    let found = connection
        .prepare_cached(queries::REPLICAS)?
        .query_map([micros_ago(within), micros_ahead(within)], |row| {
            Ok((row.get::<_, String>(0)?, rows::time(row.get(1)?)?, row.get::<_, String>(2)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut reports: Vec<Report> = found
        .iter()
        .filter_map(|(id, last_seen, report)| {
            Some(Report { last_seen: *last_seen, ..read_report(id, report)? })
        })
        .collect();
    sort_reports(&mut reports);
    Ok(Census::taken(now, reports))
}

fn micros_ahead(duration: Duration) -> i64 {
    rows::now().saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

pub(super) fn micros_ago(duration: Duration) -> i64 {
    rows::now().saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
