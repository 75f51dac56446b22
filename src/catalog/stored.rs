//! How values of the domain stand in both databases.

use crate::db::Error;
use crate::domain::{Changed, Concat, Cursor, Moment, News, Page, Segment, Upload, UploadId, merge_segments};
use crate::replica::{Report, Role};
use std::time::Duration;

/// How long the catalog remembers that an upload was removed.
pub(super) const GONE_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a writer that says nothing is taken for one that may still bring bytes: as long as those may take that it had when
/// it was last heard of. A chunk of a slow sender comes for 5 s, and is stored after that. Who asks where to go on waits for it, and
/// it keeps its upload from expiring.
pub(super) const HEARD_LATELY: Duration = Duration::from_secs(10);

/// How far the catalog looks back behind the moment that it is asked from. What a transaction changes bears the time at which
/// it began and is seen once it is committed, so it may be seen late, but not later than this: a transaction has the patience
/// of 3 s; where its process stands still in between, the database ends it after 5 s; a statement that it goes on with then
/// has 3 s again; and what is left is for a disk that is slow to take the commit. A clock may be set back as far as this, too.
const OVERLAP: Duration = Duration::from_secs(15);

/// How many times longer a complete part stays than an incomplete upload: the other parts may take their time. The SQL for
/// PostgreSQL says it itself, and one test holds both.
pub(super) const PART_STAYS: i32 = 7;

/// How many ranges of a record are told at most. Who writes a file in a hundred thousand requests may have that many of them, and
/// a record with all of those is larger than what one replica takes from another.
const SEGMENTS_TOLD: usize = 20_000;

/// In how many extents an upload may lie that others share. The SQL for PostgreSQL says this itself, too.
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

/// What is told of the segments of an upload, which are in order.
pub(super) fn told(segments: impl IntoIterator<Item = Segment>) -> Vec<Segment> {
    let mut merged = merge_segments(segments);
    merged.truncate(SEGMENTS_TOLD);
    merged
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

/// From when on to look for changes since a moment. `None` if what has changed is not known: the tombstones of that time may
/// be forgotten, or it is a time that has not been.
pub(super) fn look_back(since: Moment, now: Moment) -> Option<Moment> {
    let from = since.earlier_by(OVERLAP);
    let known = from >= now.earlier_by(GONE_FOR) && since <= now.later_by(OVERLAP);
    known.then_some(from)
}

/// The answer made of what was found, each up to one more than `limit`.
pub(super) fn changed(upto: Moment, completed: Vec<Upload>, removed: Vec<UploadId>, limit: u32) -> Changed {
    let limit = limit as usize;
    let all = completed.len() <= limit && removed.len() <= limit;
    Changed { upto, news: all.then_some(News { completed, removed }) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_from_too_long_ago_or_from_the_future_is_told_that_it_is_not_known() {
        let now = Moment::from_micros(1_700_000_000_000_000);
        let second = Duration::from_secs(1);
        let oldest = now.earlier_by(GONE_FOR).later_by(OVERLAP);
        for (since, known) in [
            (now, true),
            (now.later_by(OVERLAP), true),
            (now.later_by(OVERLAP + second), false),
            (oldest, true),
            (oldest.earlier_by(second), false),
        ] {
            let from = known.then(|| since.earlier_by(OVERLAP));
            assert_eq!(look_back(since, now), from, "{since} at {now}");
        }
    }
}
