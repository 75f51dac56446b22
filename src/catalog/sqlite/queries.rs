//! All SQL of this catalog. Columns are always named: a newer release may have added others.

use crate::domain::{Listing, SortKey};

/// What [`super::rows::upload`] reads, in its order.
macro_rules! record {
    () => {
        "id, filename, content_type, metadata, length_bytes, offset_bytes, epoch, sha256, created_at, completed_at, \
         expires_at, concat"
    };
}

pub(super) mod joining;

pub(super) const INSERT_UPLOAD: &str = concat!(
    "INSERT INTO uploads (id, filename, filename_key, content_type, metadata, length_bytes, offset_bytes, epoch, \
     digest_state, sha256, blob_id, created_at, completed_at, expires_at, concat, \
     writer_seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?1, ?11, ?12, \
     CASE WHEN ?12 IS NULL OR ?14 = 'partial' THEN ?13 END, ?14, ?15) \
     ON CONFLICT (id) DO NOTHING RETURNING ",
    record!()
);

/// Nothing where the blob is doomed.
pub(super) const INSERT_BLOB: &str =
    "INSERT INTO blobs (id, refs) VALUES (?1, 1) ON CONFLICT (id) DO NOTHING";

/// With the digest's state and the end of all bytes, of what is pending too, and whether it is written: whether its writer was
/// heard of since ?2.
pub(super) const FIND: &str = concat!(
    "SELECT ",
    record!(),
    ", coalesce((SELECT pending.digest_state FROM pending WHERE upload_id = uploads.id AND pending.epoch = uploads.epoch), \
       digest_state), \
     (SELECT end_bytes FROM pending WHERE upload_id = uploads.id AND pending.epoch = uploads.epoch), \
     completed_at IS NULL AND coalesce(writer_seen_at > ?2, false) FROM uploads WHERE id = ?1"
);

pub(super) const TOMBSTONE: &str = "SELECT 1 FROM tombstones WHERE id = ?1 AND removed_at > ?2";

pub(super) const CLAIM: &str = concat!(
    "UPDATE uploads SET epoch = epoch + 1, writer_seen_at = ?4 WHERE id = ?1 AND offset_bytes = ?2 AND completed_at IS NULL \
     AND blob_id IS NOT NULL AND (?3 IS NULL OR epoch = ?3) RETURNING ",
    record!()
);

/// The compare-and-set.
pub(super) const ADVANCE: &str = concat!(
    "UPDATE uploads SET offset_bytes = ?10 + ?4, length_bytes = coalesce(length_bytes, ?5), digest_state = ?6, \
     sha256 = ?7, completed_at = max(created_at, ?8), expires_at = CASE WHEN ?8 IS NULL OR concat = 'partial' THEN ?9 END, \
     writer_seen_at = ?11 WHERE id = ?1 AND epoch = ?2 AND offset_bytes = ?3 AND completed_at IS NULL AND blob_id IS NOT NULL \
     AND (?5 IS NULL OR length_bytes IS NULL OR length_bytes = ?5) \
     AND (coalesce(length_bytes, ?5) IS NULL OR ?10 + ?4 <= coalesce(length_bytes, ?5)) \
     AND ?10 = coalesce((SELECT end_bytes FROM pending WHERE upload_id = ?1 AND pending.epoch = ?2), offset_bytes) \
     RETURNING ",
    record!()
);

/// The compare-and-set of a chunk that is pending.
pub(super) const KEEP: &str = concat!(
    "UPDATE uploads SET expires_at = ?5, writer_seen_at = ?7 WHERE id = ?1 AND epoch = ?2 AND offset_bytes = ?3 AND completed_at IS NULL \
     AND blob_id IS NOT NULL \
     AND ?6 = coalesce((SELECT end_bytes FROM pending WHERE upload_id = ?1 AND pending.epoch = ?2), offset_bytes) \
     AND (length_bytes IS NULL OR ?4 <= length_bytes) RETURNING ",
    record!()
);

/// What is pending of an epoch grows by a chunk.
pub(super) const HOLD: &str = "INSERT INTO pending (upload_id, epoch, end_bytes, digest_state) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (upload_id, epoch) DO UPDATE SET end_bytes = excluded.end_bytes, digest_state = excluded.digest_state";

/// What was pending is so no more.
pub(super) const RELEASE_PENDING: &str = "DELETE FROM pending WHERE upload_id = ?1 AND epoch = ?2";

pub(super) const RELEASE_SEGMENTS: &str =
    "UPDATE segments SET pending = 0 WHERE upload_id = ?1 AND epoch = ?2 AND pending";

/// What never counted. Its bytes are found by looking through the store.
pub(super) const FORGET_PENDING: &str = "DELETE FROM pending WHERE epoch < \
     (SELECT epoch FROM uploads WHERE uploads.id = upload_id)";

/// First of these, those of bytes that never counted.
pub(super) const FORGET_SEGMENTS: &str = "DELETE FROM segments WHERE pending AND (upload_id, epoch) IN \
     (SELECT upload_id, pending.epoch FROM pending JOIN uploads ON id = upload_id WHERE pending.epoch < uploads.epoch)";

pub(super) const GROW_EXTENT: &str = "UPDATE extents SET length_bytes = length_bytes + ?4 \
     WHERE upload_id = ?1 AND epoch = ?2 AND blob_id = ?1 AND offset_bytes + length_bytes = ?3 \
     AND offset_bytes = (SELECT max(offset_bytes) FROM extents WHERE upload_id = ?1 AND epoch = ?2)";

pub(super) const INSERT_EXTENT: &str = "INSERT INTO extents \
     (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes) VALUES (?1, ?2, ?3, ?4, ?1, ?3)";

pub(super) const GROW_SEGMENT: &str = "UPDATE segments SET length_bytes = length_bytes + ?4 \
     WHERE upload_id = ?1 AND epoch = ?2 AND backend = ?5 AND frontend IS ?6 AND pending = ?7 \
     AND offset_bytes + length_bytes = ?3 \
     AND offset_bytes = (SELECT max(offset_bytes) FROM segments WHERE upload_id = ?1 AND epoch = ?2)";

pub(super) const INSERT_SEGMENT: &str = "INSERT INTO segments \
     (upload_id, epoch, offset_bytes, length_bytes, backend, frontend, pending) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(super) const EXTENTS: &str = "SELECT offset_bytes, length_bytes, blob_id, epoch, start_bytes FROM extents \
     WHERE upload_id = ?1 AND offset_bytes < ?3 AND offset_bytes + length_bytes > ?2 ORDER BY offset_bytes";

pub(super) const SEGMENTS: &str = "SELECT offset_bytes, length_bytes, backend, frontend FROM segments WHERE upload_id = ?1 \
     AND NOT pending ORDER BY offset_bytes";

/// Each blob counts once for an upload, however many extents lie in it.
pub(super) const RELEASE_BLOBS: &str = "UPDATE blobs SET refs = refs - 1, doomed_at = CASE WHEN refs = 1 THEN ?2 END \
     WHERE id IN (SELECT blob_id FROM uploads WHERE id = ?1 UNION SELECT blob_id FROM extents WHERE upload_id = ?1) \
     RETURNING id, refs";

/// Its extents and segments go with it.
pub(super) const DELETE_UPLOAD: &str = "DELETE FROM uploads WHERE id = ?1";

pub(super) const INSERT_TOMBSTONE: &str = "INSERT INTO tombstones (id, removed_at) VALUES (?1, ?2) \
     ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at";

pub(super) const DOOMED: &str = "SELECT id, doomed_at FROM blobs WHERE doomed_at IS NOT NULL \
     AND (?2 IS NULL OR (doomed_at, id) > (?2, ?3)) ORDER BY doomed_at, id LIMIT ?1";

pub(super) const FORGET: &str = "DELETE FROM blobs WHERE id = ?1 AND refs = 0";

/// A writer that was heard of since ?3 keeps its upload: the first bytes that it brings put the expiry off.
/// An incomplete upload without a blob of its own is a final one.
pub(super) const EXPIRED: &str = "SELECT id FROM uploads WHERE expires_at <= ?1 AND coalesce(writer_seen_at <= ?3, 1) AND CASE \
       WHEN completed_at IS NOT NULL THEN NOT EXISTS (SELECT 1 FROM parts WHERE part_id = uploads.id) \
       WHEN blob_id IS NULL THEN EXISTS (SELECT 1 FROM parts WHERE final_id = uploads.id \
         AND NOT EXISTS (SELECT 1 FROM uploads AS part WHERE part.id = part_id)) \
       ELSE true END \
     ORDER BY expires_at LIMIT ?2";

/// Of the bytes of a blob (?1) in an epoch (?2): whether nobody knows the blob; and whether no extent refers to them and none
/// ever will, because the blob's own upload has gone on without them, or is gone itself, or shares others' bytes. What refers
/// to bytes for the first time is their own upload: all others copy extents that are there.
pub(super) const STRAY: &str = "SELECT NOT EXISTS (SELECT 1 FROM blobs WHERE id = ?1), \
     EXISTS (SELECT 1 FROM blobs LEFT JOIN uploads ON uploads.id = blobs.id AND uploads.blob_id = blobs.id \
       WHERE blobs.id = ?1 AND refs > 0 AND (uploads.id IS NULL OR epoch > ?2 OR completed_at IS NOT NULL) \
       AND NOT EXISTS (SELECT 1 FROM extents WHERE extents.blob_id = ?1 AND extents.epoch = ?2))";

/// A complete upload (?3 is another) with this digest and length.
pub(super) const FIND_TWIN: &str = "SELECT id FROM uploads WHERE sha256 = ?1 AND length_bytes = ?2 \
     AND completed_at IS NOT NULL AND id <> ?3 \
     AND (SELECT count(*) FROM (SELECT 1 FROM extents WHERE upload_id = uploads.id LIMIT ?4 + 1)) <= ?4 LIMIT 1";

pub(super) const REFER_TO_BLOBS: &str =
    "UPDATE blobs SET refs = refs + 1 WHERE id IN (SELECT blob_id FROM extents WHERE upload_id = ?1)";

pub(super) const DELETE_EXTENTS: &str = "DELETE FROM extents WHERE upload_id = ?1";

pub(super) const COPY_EXTENTS: &str = "INSERT INTO extents \
     (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes) \
     SELECT ?1, epoch, offset_bytes, length_bytes, blob_id, start_bytes FROM extents WHERE upload_id = ?2";

pub(super) const DISOWN_BLOB: &str = "UPDATE uploads SET blob_id = NULL WHERE id = ?1";

pub(super) const IDENTITY: &str = "SELECT id FROM identity";

pub(super) const CONDEMN: &str =
    "INSERT INTO blobs (id, refs, doomed_at) VALUES (?1, 0, ?2) ON CONFLICT (id) DO NOTHING";

/// Not where there is a record: that has given its bytes up for those of another, and a late writer has left some again.
pub(super) const BURY: &str = "INSERT INTO tombstones (id, removed_at) SELECT ?1, ?2 \
     WHERE NOT EXISTS (SELECT 1 FROM uploads WHERE id = ?1) \
     ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at";

/// Some at a time.
pub(super) const FORGET_TOMBSTONES: &str = "DELETE FROM tombstones WHERE id IN (SELECT id FROM tombstones \
     WHERE removed_at < ?1 LIMIT 10000)";

pub(super) const FORGET_REPLICAS: &str = "DELETE FROM replicas WHERE last_seen < ?1";

pub(super) const COMPLETED: &str = concat!(
    "SELECT ",
    record!(),
    " FROM uploads WHERE completed_at > ?1 AND concat IS NOT 'partial' ORDER BY completed_at, id LIMIT ?2"
);

pub(super) const REMOVED: &str =
    "SELECT id FROM tombstones WHERE removed_at > ?1 ORDER BY removed_at, id LIMIT ?2";

pub(super) const REPORT: &str = "INSERT INTO replicas (container_id, last_seen, report) VALUES (?1, ?2, ?3) \
     ON CONFLICT (container_id) DO UPDATE SET last_seen = excluded.last_seen, report = excluded.report";

/// Heard of between two times. A replica that lives overwrites at once what it said before the clock was set back; a dead one
/// would be listed until the clock gets there again.
pub(super) const REPLICAS: &str =
    "SELECT container_id, last_seen, report FROM replicas WHERE last_seen > ?1 AND last_seen <= ?2";

/// One replica, and those so long dead (?2) that nobody will ask for them.
pub(super) const RETIRE: &str = "DELETE FROM replicas WHERE container_id = ?1 OR last_seen < ?2";

/// ?1 search, ?2 limit, then the cursor: ?3 id, ?4 key. A statement of its own for each kind of page, so that each has an
/// index to walk along.
pub(super) fn list(listing: &Listing) -> String {
    let (order, beyond) = if listing.descending { ("DESC", "<") } else { ("ASC", ">") };
    let key = match listing.sort {
        SortKey::Created => None,
        SortKey::Name => Some("filename_key"),
        SortKey::Size => Some("coalesce(length_bytes, 0)"),
    };
    let mut sql = String::from(concat!(
        "SELECT ",
        record!(),
        " FROM uploads WHERE (?1 = '' OR instr(filename_key, ?1) > 0)"
    ));
    if !listing.incomplete_too {
        sql.push_str(" AND completed_at IS NOT NULL AND concat IS NOT 'partial'");
    }
    match (&listing.after, key) {
        (Some(_), Some(key)) => sql.push_str(&format!(" AND ({key}, id) {beyond} (?4, ?3)")),
        (Some(_), None) => sql.push_str(&format!(" AND id {beyond} ?3")),
        (None, Some(_) | None) => {}
    }
    match key {
        Some(key) => sql.push_str(&format!(" ORDER BY {key} {order}, id {order} LIMIT ?2")),
        None => sql.push_str(&format!(" ORDER BY id {order} LIMIT ?2")),
    }
    sql
}
