//! How values of the domain stand in both databases.

use crate::db::Error;
use crate::domain::{Concat, Cursor, Page, Upload};
use crate::replica::{Report, Role};
use std::time::Duration;

/// How long the catalog remembers that an upload was removed.
pub(super) const GONE_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many times longer a complete part stays than an incomplete upload: the other parts may take their time. The SQL for
/// PostgreSQL says it itself, and one test holds both.
pub(super) const PART_STAYS: i32 = 7;

/// In how many extents an upload may lie that others share.
pub(super) const PIECES_SHARED: i64 = 1000;

/// A name in the form by which one searches and sorts: in lower case, so that both databases agree on every script.
/// Without the NUL that PostgreSQL does not store; no name has one, but what people search for may.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase().replace('\0', "")
}

/// A number of bytes, as databases count. They stop at 2^63 - 1.
pub(super) fn signed(bytes: u64) -> Result<i64, Error> {
    i64::try_from(bytes).map_err(Error::broken)
}

/// A number of bytes out of a column, which is never negative.
pub(super) fn unsigned(bytes: i64) -> u64 {
    bytes.cast_unsigned()
}

/// What an upload is to others, as its column says it.
pub(super) fn read_concat(text: &str) -> Result<Concat, Error> {
    Concat::parse(text).ok_or_else(|| Error::broken(format!("{text:?} is no concatenation")))
}

/// Makes a page of up to `limit` of the `uploads` found, one of which may be from the next page.
pub(super) fn page(mut uploads: Vec<Upload>, limit: u32) -> Page {
    let limit = limit as usize;
    let more = uploads.len() > limit;
    uploads.truncate(limit);
    let next = uploads.last().filter(|_| more).map(|last| Cursor {
        name: last.filename.as_str().to_owned(),
        size: last.length.unwrap_or(0),
        id: last.id,
    });
    Page { uploads, next }
}

pub(super) fn write_report(report: &Report) -> Result<String, Error> {
    serde_json::to_string(report).map_err(Error::broken)
}

/// Reads what a replica said of itself. One of another release may say it in words that this one does not know: it is left
/// out then, rather than spoiling the list.
pub(super) fn read_report(container_id: &str, report: &str) -> Option<Report> {
    serde_json::from_str(report)
        .inspect_err(|error| log::warn!("the report of replica {container_id} cannot be read: {error}"))
        .ok()
}

/// Frontends first, then the oldest.
pub(super) fn sort_reports(reports: &mut [Report]) {
    reports.sort_by_key(|report| {
        let rank = match report.role {
            Role::Frontend => 0,
            Role::Backend => 1,
        };
        (rank, report.started_at, report.identity.container_id)
    });
}
