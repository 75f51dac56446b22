//! SQL about final uploads.

/// The parts of the final upload ?1, and where each begins in it. All their lengths are known.
macro_rules! placed {
    () => {
        "(SELECT part_id, sum(length_bytes) OVER (ORDER BY position) - length_bytes AS begins \
         FROM parts JOIN uploads ON uploads.id = part_id WHERE final_id = ?1) AS placed"
    };
}

/// Without a blob: it will only refer to those of others.
pub(in crate::catalog::sqlite) const INSERT_FINAL: &str = concat!(
    "INSERT INTO uploads (id, filename, filename_key, content_type, metadata, offset_bytes, epoch, digest_state, \
     created_at, expires_at, concat) \
     VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING RETURNING ",
    record!()
);

pub(in crate::catalog::sqlite) const INSERT_PART: &str =
    "INSERT INTO parts (final_id, position, part_id) VALUES (?1, ?2, ?3)";

pub(in crate::catalog::sqlite) const PARTS: &str =
    "SELECT part_id FROM parts WHERE final_id = ?1 ORDER BY position";

pub(in crate::catalog::sqlite) const PARTS_THERE: &str = "SELECT id, concat IS 'partial', completed_at IS NOT NULL, length_bytes, digest_state, sha256, \
           (SELECT count(*) FROM (SELECT 1 FROM extents WHERE upload_id = uploads.id LIMIT ?2)), \
     (SELECT count(*) FROM (SELECT 1 FROM segments WHERE upload_id = uploads.id LIMIT ?2)) \
     FROM uploads WHERE id IN (SELECT part_id FROM parts WHERE final_id = ?1)";

/// Each blob counts once for an upload, however many extents lie in it.
pub(in crate::catalog::sqlite) const REFER_TO_PART_BLOBS: &str = "UPDATE blobs SET refs = refs + 1 WHERE id IN \
     (SELECT blob_id FROM extents WHERE upload_id IN (SELECT part_id FROM parts WHERE final_id = ?1))";

pub(in crate::catalog::sqlite) const COPY_PART_EXTENTS: &str = concat!(
    "INSERT INTO extents (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes) \
     SELECT ?1, epoch, begins + offset_bytes, length_bytes, blob_id, start_bytes \
     FROM extents JOIN ",
    placed!(),
    " ON upload_id = part_id"
);

pub(in crate::catalog::sqlite) const COPY_PART_SEGMENTS: &str = concat!(
    "INSERT INTO segments (upload_id, epoch, offset_bytes, length_bytes, backend, frontend) \
     SELECT ?1, epoch, begins + offset_bytes, length_bytes, backend, frontend \
     FROM segments JOIN ",
    placed!(),
    " ON upload_id = part_id AND NOT pending"
);

pub(in crate::catalog::sqlite) const COMPLETE_FINAL: &str = concat!(
    "UPDATE uploads SET length_bytes = ?2, offset_bytes = ?2, digest_state = ?3, digested_bytes = ?4, sha256 = ?5, \
     completed_at = max(created_at, ?6), expires_at = NULL WHERE id = ?1 RETURNING ",
    record!()
);

/// From here on nobody waits for them.
pub(in crate::catalog::sqlite) const DELETE_PARTS: &str = "DELETE FROM parts WHERE final_id = ?1";

pub(in crate::catalog::sqlite) const RECORD_LENGTH: &str =
    concat!("UPDATE uploads SET length_bytes = ?2 WHERE id = ?1 RETURNING ", record!());

pub(in crate::catalog::sqlite) const FINALS_OF: &str =
    "SELECT DISTINCT final_id FROM parts WHERE part_id = ?1 LIMIT ?2";

pub(in crate::catalog::sqlite) const JOINABLE: &str = "SELECT final_id FROM parts LEFT JOIN uploads ON uploads.id = part_id \
     WHERE ?2 IS NULL OR final_id > ?2 GROUP BY final_id HAVING min(completed_at IS NOT NULL) ORDER BY final_id LIMIT ?1";

pub(in crate::catalog::sqlite) const UNDIGESTED: &str = "SELECT id, completed_at, length_bytes, digested_bytes, digest_state FROM uploads \
     WHERE completed_at IS NOT NULL AND sha256 IS NULL AND digested_bytes IS NOT NULL \
     AND (?2 IS NULL OR (completed_at, id) > (?2, ?3)) ORDER BY completed_at, id LIMIT ?1";

pub(in crate::catalog::sqlite) const RECORD_PROGRESS: &str = "UPDATE uploads SET digest_state = coalesce(?3, digest_state), digested_bytes = ?4, sha256 = ?5 \
     WHERE id = ?1 AND digested_bytes = ?2";
