//! SQL about final uploads.

/// The parts of the final upload $1, and where each begins in it. All their lengths are known.
macro_rules! placed {
    () => {
        "(SELECT part_id, (sum(length_bytes) OVER (ORDER BY position) - length_bytes)::bigint AS begins \
         FROM parts JOIN uploads ON uploads.id = part_id WHERE final_id = $1) AS placed"
    };
}

/// The blobs that the parts of the final upload $1 refer to.
macro_rules! blobs {
    () => {
        "SELECT blob_id FROM extents WHERE upload_id IN (SELECT part_id FROM parts WHERE final_id = $1)"
    };
}

statements! {
    /// Without a blob: it will only refer to those of others. $8 is the time to live in seconds.
    INSERT_FINAL = concat!(
        "INSERT INTO uploads (id, filename, filename_key, content_type, metadata, offset_bytes, epoch, digest_state, \
         created_at, expires_at, concat) \
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7, now(), now() + make_interval(secs => $8), $9) \
         ON CONFLICT (id) DO NOTHING RETURNING ",
        record!()
    );

    INSERT_PARTS = "INSERT INTO parts (final_id, position, part_id) \
                    SELECT $1, position, part_id FROM unnest($2::uuid[]) WITH ORDINALITY AS named (part_id, position)";

    /// First in joining: nobody else joins it, or removes it, at the same time.
    LOCK_FINAL = concat!("SELECT ", record!(), " FROM uploads WHERE id = $1 FOR UPDATE");

    PARTS = "SELECT part_id FROM parts WHERE final_id = $1 ORDER BY position";

    /// Those that are there stay until the end of the transaction. KEY SHARE keeps off a removal alone.
    LOCK_PARTS =
        "SELECT id, concat IS NOT DISTINCT FROM 'partial', completed_at IS NOT NULL, length_bytes, digest_state, sha256, \
           (SELECT count(*) FROM (SELECT FROM extents WHERE upload_id = uploads.id LIMIT $2::bigint) AS few), \
           (SELECT count(*) FROM (SELECT FROM segments WHERE upload_id = uploads.id LIMIT $2::bigint) AS few) \
         FROM uploads WHERE id IN (SELECT part_id FROM parts WHERE final_id = $1) ORDER BY id FOR KEY SHARE";

    /// In the order in which everybody locks blobs, so that no two wait for one another.
    LOCK_BLOBS = concat!("SELECT 1 FROM blobs WHERE id IN (", blobs!(), ") ORDER BY id FOR UPDATE");

    /// Each blob counts once for an upload, however many extents lie in it. None is doomed: its part refers to it.
    REFER_TO_PART_BLOBS = concat!("UPDATE blobs SET refs = refs + 1 WHERE id IN (", blobs!(), ")");

    COPY_PART_EXTENTS = concat!(
        "INSERT INTO extents (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes) \
         SELECT $1, epoch, begins + offset_bytes, length_bytes, blob_id, start_bytes \
         FROM extents JOIN ", placed!(), " ON upload_id = part_id"
    );

    COPY_PART_SEGMENTS = concat!(
        "INSERT INTO segments (upload_id, epoch, offset_bytes, length_bytes, backend, frontend) \
         SELECT $1, epoch, begins + offset_bytes, length_bytes, backend, frontend \
         FROM segments JOIN ", placed!(), " ON upload_id = part_id AND NOT pending"
    );

    COMPLETE_FINAL = concat!(
        "UPDATE uploads SET length_bytes = $2, offset_bytes = $2, digest_state = $3, digested_bytes = $4, sha256 = $5, \
         completed_at = greatest(created_at, now()), expires_at = NULL WHERE id = $1 RETURNING ",
        record!()
    );

    /// From here on nobody waits for them.
    DELETE_PARTS = "DELETE FROM parts WHERE final_id = $1";

    RECORD_LENGTH = concat!("UPDATE uploads SET length_bytes = $2 WHERE id = $1 RETURNING ", record!());

    FINALS_OF = "SELECT DISTINCT final_id FROM parts WHERE part_id = $1 LIMIT $2";

    JOINABLE =
        "SELECT final_id FROM parts LEFT JOIN uploads ON uploads.id = part_id WHERE $2::uuid IS NULL OR final_id > $2 \
         GROUP BY final_id HAVING bool_and(completed_at IS NOT NULL) ORDER BY final_id LIMIT $1";

    /// Complete parts, of these, that a final upload waits for.
    NEEDED = "SELECT DISTINCT id FROM uploads JOIN parts ON part_id = id WHERE id = ANY($1) AND completed_at IS NOT NULL";

    UNDIGESTED =
        "SELECT id, completed_at, length_bytes, digested_bytes, digest_state FROM uploads \
         WHERE completed_at IS NOT NULL AND sha256 IS NULL AND digested_bytes IS NOT NULL \
         AND ($2::timestamptz IS NULL OR (completed_at, id) > ($2, $3::uuid)) ORDER BY completed_at, id LIMIT $1";

    RECORD_PROGRESS =
        "UPDATE uploads SET digest_state = coalesce($3, digest_state), digested_bytes = $4, sha256 = $5 \
         WHERE id = $1 AND digested_bytes = $2";
}
