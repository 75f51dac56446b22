//! All SQL of this catalog. Columns are always named: a newer release may have added others, and a statement that was
//! prepared with `*` would fail then.

/// What [`super::rows::upload`] reads, in its order.
macro_rules! record {
    () => {
        "id, filename, content_type, metadata, length_bytes, offset_bytes, epoch, sha256, created_at, completed_at, \
         expires_at, concat"
    };
}

/// Of the upload `$id`: another complete one with this digest and length, in not too many pieces. It stays until the end of the
/// transaction: its removal waits, and one whose removal is under way is passed over.
macro_rules! twin {
    ($sha256:literal, $length:literal, $id:literal) => {
        concat!(
            "SELECT id FROM uploads WHERE sha256 = ", $sha256, " AND length_bytes = ", $length, " AND id <> ", $id,
            " AND completed_at IS NOT NULL \
             AND (SELECT count(*) FROM (SELECT FROM extents WHERE upload_id = uploads.id LIMIT 1001) AS few) <= 1000 \
             LIMIT 1 FOR KEY SHARE SKIP LOCKED"
        )
    };
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(in crate::catalog::postgres) const $name: &str = $sql;)*
        #[cfg(test)]
        pub(in crate::catalog::postgres) const ALL: &[&str] = &[$($name),*];
    };
}

pub(super) mod joining;
pub(super) mod listing;

statements! {
    /// An upload in its final state, its blob, and what its first chunk of $7 bytes brings. $10 is the time to live in seconds;
    /// complete if there is a digest ($9). A complete part stays longer than an incomplete upload: the other parts may take
    /// their time. What is only a part ($11) has a time to live even then. More may come of the request that brings it if $15 says so.
    /// Nothing is created if there is such a record, or, where $14 says so, a twin.
    CREATE = concat!(
        "WITH twin AS (", twin!("$9", "$6", "$1"), "), created AS (\
           INSERT INTO uploads (id, filename, filename_key, content_type, metadata, length_bytes, offset_bytes, epoch, \
             digest_state, sha256, blob_id, created_at, completed_at, expires_at, concat, writer_seen_at) \
           SELECT $1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $1, now(), CASE WHEN $9 IS NOT NULL THEN now() END, \
             CASE WHEN $9 IS NULL THEN now() + make_interval(secs => $10) \
               WHEN $11 = 'partial' THEN now() + 7 * make_interval(secs => $10) END, $11, CASE WHEN $15 THEN now() END \
           WHERE NOT $14 OR NOT EXISTS (SELECT FROM twin) \
           ON CONFLICT (id) DO NOTHING RETURNING ", record!(), "), \
         owned AS (INSERT INTO blobs (id, refs) SELECT id, 1 FROM created), \
         extent AS (INSERT INTO extents (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes) \
           SELECT id, epoch, 0, offset_bytes, id, 0 FROM created WHERE offset_bytes > 0), \
         segment AS (INSERT INTO segments (upload_id, epoch, offset_bytes, length_bytes, backend, frontend) \
           SELECT id, epoch, 0, offset_bytes, $12, $13 FROM created WHERE offset_bytes > 0) \
         SELECT ", record!(), " FROM created"
    );

    /// Fails with a row that exists already if the upload was removed before.
    REFUSE_REMOVED =
        "INSERT INTO blobs (id, refs, doomed_at) SELECT blobs.id, 0, now() FROM blobs JOIN tombstones ON tombstones.id = blobs.id \
         WHERE blobs.id = $1 AND removed_at > now() - make_interval(secs => $2)";

    /// With the digest's state and the end of all bytes, of what is pending too, and whether it is written: whether its writer was
    /// heard of in the last $2 seconds.
    FIND = concat!(
        "SELECT ", record!(), ", coalesce((SELECT pending.digest_state FROM pending \
           WHERE upload_id = uploads.id AND pending.epoch = uploads.epoch), digest_state), \
         (SELECT end_bytes FROM pending WHERE upload_id = uploads.id AND pending.epoch = uploads.epoch), \
         completed_at IS NULL AND coalesce(writer_seen_at > now() - make_interval(secs => $2), false) \
         FROM uploads WHERE id = $1"
    );

    TOMBSTONE = "SELECT 1 FROM tombstones WHERE id = $1 AND removed_at > now() - make_interval(secs => $2)";

    CLAIM = concat!(
        "UPDATE uploads SET epoch = epoch + 1, writer_seen_at = now() WHERE id = $1 AND offset_bytes = $2 AND completed_at IS NULL \
         AND blob_id IS NOT NULL AND ($3::bigint IS NULL OR epoch = $3) RETURNING ",
        record!()
    );

    /// First in an append: nothing is written for a writer that is fenced already, and the record stays until the end of
    /// the transaction. KEY SHARE keeps off a removal alone: neither a claim nor another append waits for it.
    PIN = "SELECT 1 FROM uploads WHERE id = $1 AND epoch = $2 AND offset_bytes = $3 AND completed_at IS NULL \
           AND $4 = coalesce((SELECT end_bytes FROM pending WHERE upload_id = $1 AND pending.epoch = $2), offset_bytes) \
           AND blob_id IS NOT NULL FOR KEY SHARE";

    /// The compare-and-set, and what a chunk of $5 bytes from $4 on brings. Waits for one that runs at the same time, and then
    /// sees what that has done to the record; what it sees of the rows beside it is as old as the record was. What is pending
    /// before the chunk was released, and counts from the offset ($3) on. Nothing moves, where $12 says so, if there is a twin.
    /// More may come if $13 says so.
    ///
    /// What goes on where the last row of its epoch ends makes that row longer, so that a large upload does not leave a row
    /// for each chunk; a segment if it is of the same backend and frontend.
    ADVANCE = concat!(
        "WITH twin AS (", twin!("$8", "$4::bigint + $5::bigint", "$1"), "), advanced AS (\
           UPDATE uploads SET offset_bytes = $4::bigint + $5::bigint, length_bytes = coalesce(length_bytes, $6), \
             digest_state = $7, sha256 = $8, completed_at = CASE WHEN $8 IS NOT NULL THEN greatest(created_at, now()) END, \
             expires_at = CASE WHEN $8 IS NULL THEN now() + make_interval(secs => $9) \
               WHEN concat = 'partial' THEN now() + 7 * make_interval(secs => $9) END, \
             writer_seen_at = CASE WHEN $13 THEN now() END \
           WHERE id = $1 AND epoch = $2 AND offset_bytes = $3 AND completed_at IS NULL AND blob_id IS NOT NULL \
           AND NOT EXISTS (SELECT FROM pending WHERE upload_id = $1 AND pending.epoch = $2) \
           AND ($6::bigint IS NULL OR length_bytes IS NULL OR length_bytes = $6) \
           AND (coalesce(length_bytes, $6) IS NULL OR $4::bigint + $5::bigint <= coalesce(length_bytes, $6)) \
           AND (NOT $12 OR NOT EXISTS (SELECT FROM twin)) RETURNING ", record!(), "), \
         longer_extent AS (UPDATE extents SET length_bytes = length_bytes + added \
           FROM (SELECT offset_bytes - $3 AS added FROM advanced WHERE offset_bytes > $3) AS more \
           WHERE upload_id = $1 AND epoch = $2 AND blob_id = $1 AND offset_bytes + length_bytes = $3 \
           AND offset_bytes = (SELECT max(offset_bytes) FROM extents WHERE upload_id = $1 AND epoch = $2) RETURNING 1), \
         extent AS (INSERT INTO extents (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes) \
           SELECT $1, $2, $3, offset_bytes - $3, $1, $3 FROM advanced \
           WHERE offset_bytes > $3 AND NOT EXISTS (SELECT FROM longer_extent)), \
         longer_segment AS (UPDATE segments SET length_bytes = length_bytes + $5 \
           FROM (SELECT FROM advanced WHERE $5 > 0) AS more \
           WHERE upload_id = $1 AND epoch = $2 AND backend = $10 AND frontend IS NOT DISTINCT FROM $11 AND NOT pending \
           AND offset_bytes + length_bytes = $4 \
           AND offset_bytes = (SELECT max(offset_bytes) FROM segments WHERE upload_id = $1 AND epoch = $2) RETURNING 1), \
         segment AS (INSERT INTO segments (upload_id, epoch, offset_bytes, length_bytes, backend, frontend) \
           SELECT $1, $2, $4, $5, $10, $11 FROM advanced WHERE $5 > 0 AND NOT EXISTS (SELECT FROM longer_segment)) \
         SELECT ", record!(), " FROM advanced"
    );

    /// What is pending of an epoch grows by a chunk, if that begins where it ends. ($5) is where it all begins.
    HOLD = "INSERT INTO pending (upload_id, epoch, end_bytes, digest_state) SELECT $1, $2, $3::bigint + $4::bigint, $6 \
            WHERE $4 > 0 AND ($3 = $5 OR EXISTS (SELECT FROM pending WHERE upload_id = $1 AND epoch = $2)) \
            ON CONFLICT (upload_id, epoch) DO UPDATE SET end_bytes = excluded.end_bytes, digest_state = excluded.digest_state \
            WHERE pending.end_bytes = $3";

    /// The compare-and-set of a chunk that is pending: last in its append.
    KEEP = concat!(
        "UPDATE uploads SET expires_at = now() + make_interval(secs => $5), writer_seen_at = CASE WHEN $6 THEN now() END \
         WHERE id = $1 AND epoch = $2 AND offset_bytes = $3 AND completed_at IS NULL \
         AND (length_bytes IS NULL OR $4 <= length_bytes) RETURNING ",
        record!()
    );

    /// What was pending is so no more.
    RELEASE_PENDING = "DELETE FROM pending WHERE upload_id = $1 AND epoch = $2 AND end_bytes = $3";

    RELEASE_SEGMENTS = "UPDATE segments SET pending = false WHERE upload_id = $1 AND epoch = $2 AND pending";

    /// Of a chunk that is pending. As [`ADVANCE`] does with those that count.
    RECORD_PENDING_SEGMENT =
        "WITH longer AS (UPDATE segments SET length_bytes = length_bytes + $4 \
           WHERE upload_id = $1 AND epoch = $2 AND backend = $5 AND frontend IS NOT DISTINCT FROM $6 \
           AND pending AND offset_bytes + length_bytes = $3 \
           AND offset_bytes = (SELECT max(offset_bytes) FROM segments WHERE upload_id = $1 AND epoch = $2) RETURNING 1) \
         INSERT INTO segments (upload_id, epoch, offset_bytes, length_bytes, backend, frontend, pending) \
         SELECT $1, $2, $3, $4, $5, $6, true WHERE $4 > 0 AND NOT EXISTS (SELECT FROM longer)";

    EXTENTS = "SELECT offset_bytes, length_bytes, blob_id, epoch, start_bytes FROM extents \
               WHERE upload_id = $1 AND offset_bytes < $3 AND offset_bytes + length_bytes > $2 ORDER BY offset_bytes";

    SEGMENTS = "SELECT offset_bytes, length_bytes, backend, frontend FROM segments \
                WHERE upload_id = $1 AND NOT pending ORDER BY offset_bytes";

    /// First in a removal: from here on nothing is appended.
    LOCK = "SELECT 1 FROM uploads WHERE id = $1 FOR UPDATE";

    /// First where references to several blobs change: all lock them in one order, so that no two wait for one another.
    HOLD_BLOBS =
        "SELECT 1 FROM blobs WHERE id IN (SELECT blob_id FROM uploads WHERE id = ANY($1) \
           UNION SELECT blob_id FROM extents WHERE upload_id = ANY($1)) ORDER BY id FOR UPDATE";

    /// Each blob counts once for an upload, however many extents lie in it.
    RELEASE_BLOBS =
        "UPDATE blobs SET refs = refs - 1, doomed_at = CASE WHEN refs = 1 THEN now() END \
         WHERE id IN (SELECT blob_id FROM uploads WHERE id = $1 UNION SELECT blob_id FROM extents WHERE upload_id = $1) \
         RETURNING id, refs";

    /// Its extents and segments go with it, and what is pending, unless others keep the blob: then the sweep has to find it.
    DELETE_UPLOAD =
        "WITH settled AS (DELETE FROM pending WHERE upload_id = $1 AND NOT EXISTS (SELECT FROM blobs WHERE id = $1 AND refs > 0)) \
         DELETE FROM uploads WHERE id = $1";

    INSERT_TOMBSTONE = "INSERT INTO tombstones (id, removed_at) VALUES ($1, now()) \
                        ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at";

    DOOMED = "SELECT id, doomed_at FROM blobs WHERE doomed_at IS NOT NULL \
              AND ($2::timestamptz IS NULL OR (doomed_at, id) > ($2, $3::uuid)) ORDER BY doomed_at, id LIMIT $1";

    /// None that still has rows: once it is forgotten, nobody would look for them.
    FORGET = "DELETE FROM blobs WHERE id = ANY($1) AND refs = 0 \
              AND NOT EXISTS (SELECT FROM blob_rows WHERE blob_id = blobs.id)";

    /// Locks what it finds, as [`LOCK`] does, and leaves out what another transaction has locked: an append under way wins. So
    /// does a writer that was heard of in the last $2 seconds: the first bytes that it brings put the expiry off.
    /// An incomplete upload without a blob of its own is a final one.
    EXPIRED =
        "SELECT id FROM uploads WHERE expires_at <= now() \
         AND coalesce(writer_seen_at <= now() - make_interval(secs => $2), true) AND CASE \
           WHEN completed_at IS NOT NULL THEN NOT EXISTS (SELECT FROM parts WHERE part_id = uploads.id) \
           WHEN blob_id IS NULL THEN EXISTS (SELECT FROM parts WHERE final_id = uploads.id \
             AND NOT EXISTS (SELECT FROM uploads AS part WHERE part.id = part_id)) \
           ELSE true END \
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED";

    /// Of the bytes of blobs ($1) in epochs ($2): those whose blob nobody knows; and those to which no extent refers and never
    /// will, because the blob's own upload has gone on without them, or is gone itself, or shares others' bytes. What refers
    /// to bytes for the first time is their own upload: all others copy extents that are there.
    STRAYS =
        "SELECT stored.blob_id, stored.epoch, blobs.id IS NULL \
         FROM unnest($1::uuid[], $2::bigint[]) AS stored (blob_id, epoch) \
         LEFT JOIN blobs ON blobs.id = stored.blob_id \
         LEFT JOIN uploads ON uploads.id = stored.blob_id AND uploads.blob_id = stored.blob_id \
         WHERE blobs.id IS NULL OR (blobs.refs > 0 \
           AND (uploads.id IS NULL OR uploads.epoch > stored.epoch OR uploads.completed_at IS NOT NULL) \
           AND NOT EXISTS (SELECT FROM extents WHERE extents.blob_id = stored.blob_id AND extents.epoch = stored.epoch))";

    /// A creation that comes at the same time waits for the blob's key, and fails at it. Where there is a record it has given
    /// its bytes up for those of another, and a late writer has left some again: that buries nobody.
    CONDEMN =
        "WITH condemned AS (INSERT INTO blobs (id, refs, doomed_at) SELECT DISTINCT id, 0, now() \
           FROM unnest($1::uuid[]) AS id ON CONFLICT (id) DO NOTHING RETURNING id), \
         buried AS (INSERT INTO tombstones (id, removed_at) SELECT id, now() FROM condemned \
           WHERE NOT EXISTS (SELECT FROM uploads WHERE uploads.id = condemned.id) \
           ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at) \
         SELECT id FROM condemned";

    FIND_TWIN = twin!("$1", "$2", "$3");

    TAKE_TURN = "SELECT pg_advisory_xact_lock($1)";

    REFER_TO_BLOBS =
        "UPDATE blobs SET refs = refs + 1 WHERE id IN (SELECT blob_id FROM extents WHERE upload_id = $1)";

    DELETE_EXTENTS = "DELETE FROM extents WHERE upload_id = $1";

    COPY_EXTENTS = "INSERT INTO extents (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes) \
                    SELECT $1, epoch, offset_bytes, length_bytes, blob_id, start_bytes FROM extents WHERE upload_id = $2";

    DISOWN_BLOB = "UPDATE uploads SET blob_id = NULL WHERE id = $1";

    /// Some at a time.
    FORGET_TOMBSTONES =
        "DELETE FROM tombstones WHERE id IN (SELECT id FROM tombstones \
         WHERE removed_at < now() - make_interval(secs => $1) LIMIT 10000)";

    /// First of these, those of bytes that never counted: a removal takes the rows of an upload in this order, too.
    FORGET_SEGMENTS =
        "DELETE FROM segments USING pending, uploads WHERE segments.pending AND segments.upload_id = pending.upload_id \
         AND segments.epoch = pending.epoch AND uploads.id = pending.upload_id AND pending.epoch < uploads.epoch";

    /// What never counted and has no bytes any more in this database.
    FORGET_PENDING =
        "DELETE FROM pending WHERE NOT EXISTS (SELECT FROM uploads WHERE uploads.id = upload_id AND uploads.epoch <= pending.epoch) \
         AND NOT EXISTS (SELECT FROM blob_rows WHERE blob_rows.blob_id = upload_id AND blob_rows.epoch = pending.epoch)";

    FORGET_REPLICAS = "DELETE FROM replicas WHERE last_seen < now() - make_interval(secs => $1)";

    IDENTITY = "SELECT id FROM identity";

    NOW = "SELECT now()";

    COMPLETED = concat!(
        "SELECT ", record!(), " FROM uploads WHERE completed_at > $1 AND concat IS DISTINCT FROM 'partial' \
         ORDER BY completed_at, id LIMIT $2"
    );

    REMOVED = "SELECT id FROM tombstones WHERE removed_at > $1 ORDER BY removed_at, id LIMIT $2";

    REPORT = "INSERT INTO replicas (container_id, last_seen, report) VALUES ($1, clock_timestamp(), $2::text::jsonb) \
              ON CONFLICT (container_id) DO UPDATE SET last_seen = excluded.last_seen, report = excluded.report";

    /// Heard of lately. A replica that lives overwrites at once what it said before the clock was set back; a dead one would
    /// be listed until the clock gets there again.
    REPLICAS = "SELECT container_id, last_seen, report::text FROM replicas \
                WHERE last_seen > now() - make_interval(secs => $1) AND last_seen <= now() + make_interval(secs => $1)";

    /// One replica, and those so long dead ($2, in seconds) that nobody will ask for them.
    RETIRE = "DELETE FROM replicas WHERE container_id = $1 OR last_seen < now() - make_interval(secs => $2)";
}
