use super::Finding;
use crate::Run;
use crate::support::cluster::Store;

/// What it means, whether it may pass, and the query whose every row is one text that names a case.
type Check = (&'static str, bool, &'static str);

const RECORDS: &[Check] = &[
    (
        "uploads whose extents do not cover them exactly",
        false,
        "SELECT id::text || ' to ' || offset_bytes FROM uploads u CROSS JOIN LATERAL (
           SELECT coalesce(max(offset_bytes + length_bytes), 0) AS ends, coalesce(bool_and(joined), true) AS whole FROM (
             SELECT offset_bytes, length_bytes, offset_bytes
               = lag(offset_bytes + length_bytes, 1, 0::bigint) OVER (ORDER BY offset_bytes) AS joined
             FROM extents WHERE upload_id = u.id) e) covered
         WHERE covered.ends <> u.offset_bytes OR NOT covered.whole",
    ),
    (
        "uploads whose segments do not cover them exactly",
        false,
        "SELECT id::text || ' to ' || offset_bytes FROM uploads u CROSS JOIN LATERAL (
           SELECT coalesce(max(offset_bytes + length_bytes), 0) AS ends, coalesce(sum(length_bytes), 0) AS sum
           FROM segments WHERE upload_id = u.id AND NOT pending) covered
         WHERE covered.ends <> u.offset_bytes OR covered.sum <> u.offset_bytes",
    ),
    (
        "complete uploads without a digest, or with an expiry",
        false,
        "SELECT id::text FROM uploads WHERE completed_at IS NOT NULL
           AND (sha256 IS NULL AND digested_bytes IS NULL OR expires_at IS NOT NULL AND concat IS DISTINCT FROM 'partial')",
    ),
    (
        "uploads that are whole and not complete",
        false,
        "SELECT id::text FROM uploads WHERE completed_at IS NULL AND offset_bytes = length_bytes",
    ),
    (
        "blobs with a wrong count of references",
        false,
        "SELECT coalesce(b.id, r.blob_id)::text || ': ' || coalesce(b.refs, -1) || ' for ' || coalesce(r.refs, 0)
         FROM blobs b FULL JOIN (
           SELECT blob_id, count(*) AS refs FROM (
             SELECT id, blob_id FROM uploads WHERE blob_id IS NOT NULL
             UNION SELECT upload_id, blob_id FROM extents) referring GROUP BY blob_id) r ON r.blob_id = b.id
         WHERE b.refs IS DISTINCT FROM coalesce(r.refs, 0)",
    ),
    ("doomed blobs", true, "SELECT id::text FROM blobs WHERE doomed_at IS NOT NULL"),
    (
        "uploads that nobody goes on with",
        true,
        "SELECT id::text || ' ' || filename || ' at ' || offset_bytes FROM uploads WHERE completed_at IS NULL",
    ),
    (
        "parts that nobody waits for",
        true,
        "SELECT id::text || ' ' || filename FROM uploads WHERE concat = 'partial' AND completed_at IS NOT NULL",
    ),
    ("parts that are still to be joined", true, "SELECT final_id::text || ' of ' || part_id FROM parts"),
    (
        "joined uploads whose digest is still to come",
        true,
        "SELECT id::text FROM uploads WHERE completed_at IS NOT NULL AND sha256 IS NULL",
    ),
    (
        "bytes whose checksum was not confirmed",
        true,
        "SELECT upload_id::text || ' epoch ' || epoch || ' to ' || end_bytes FROM pending
         UNION SELECT upload_id::text || ' epoch ' || epoch || ' at ' || offset_bytes FROM segments WHERE pending",
    ),
];

const ROWS: &[Check] = &[
    (
        "extents without their bytes",
        false,
        "SELECT upload_id::text || ' epoch ' || e.epoch || ' at ' || offset_bytes FROM extents e
         WHERE length_bytes <> (
           SELECT coalesce(sum(least(r.start_bytes + octet_length(r.data), e.start_bytes + e.length_bytes)
             - greatest(r.start_bytes, e.start_bytes)), 0)
           FROM blob_rows r WHERE r.blob_id = e.blob_id AND r.epoch = e.epoch
             AND r.start_bytes < e.start_bytes + e.length_bytes
             AND r.start_bytes + octet_length(r.data) > e.start_bytes)",
    ),
    (
        "rows of blobs that are not known",
        false,
        "SELECT DISTINCT blob_id::text FROM blob_rows r WHERE NOT EXISTS (SELECT FROM blobs WHERE id = r.blob_id)",
    ),
    // Those whose checksum was wrong, or is not known yet.
    (
        "rows of living blobs that no extent counts",
        true,
        "SELECT r.blob_id::text || ' epoch ' || r.epoch || ' at ' || r.start_bytes
         FROM blob_rows r JOIN blobs b ON b.id = r.blob_id AND b.refs > 0
         WHERE NOT EXISTS (
           SELECT FROM extents e WHERE e.blob_id = r.blob_id AND e.epoch = r.epoch
             AND e.start_bytes < r.start_bytes + octet_length(r.data)
             AND e.start_bytes + e.length_bytes > r.start_bytes)",
    ),
];

pub fn findings(run: &Run) -> Vec<Finding> {
    let of_store = match run.site.store {
        Store::Postgres => ROWS,
        Store::Local => &[],
    };
    let postgres = run.site.postgres();
    let found = RECORDS.iter().chain(of_store).map(|(what, passing, query)| {
        let which = postgres.texts(query);
        Finding { what, which, passing: *passing }
    });
    found.filter(|finding| !finding.which.is_empty()).collect()
}
