-- Times are microseconds since 1970 (UTC), ids the 16 bytes of a UUID.

CREATE TABLE uploads (
    id           BLOB NOT NULL PRIMARY KEY,
    filename     TEXT NOT NULL,
    -- The name in lower case: by this one searches and sorts.
    filename_key TEXT NOT NULL,
    content_type TEXT,
    metadata     TEXT NOT NULL,
    length_bytes INTEGER CHECK (length_bytes >= 0),
    offset_bytes INTEGER NOT NULL CHECK (offset_bytes >= 0),
    epoch        INTEGER NOT NULL,
    digest_state BLOB NOT NULL,
    sha256       BLOB CHECK (length(sha256) = 32),
    -- Where its own bytes go. NULL would say that it has none and only refers to those of others.
    blob_id      BLOB,
    created_at   INTEGER NOT NULL,
    completed_at INTEGER,
    expires_at   INTEGER,
    CHECK (offset_bytes <= length_bytes),
    CHECK (completed_at IS NULL OR offset_bytes IS length_bytes)
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_by_name ON uploads (filename_key, id);
CREATE INDEX uploads_by_size ON uploads (coalesce(length_bytes, 0), id);
CREATE INDEX uploads_by_expiry ON uploads (expires_at) WHERE expires_at IS NOT NULL;

-- Which stored bytes count. Together the extents of an upload cover it from 0 to its offset, without gap or overlap.
CREATE TABLE extents (
    upload_id    BLOB NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    epoch        INTEGER NOT NULL,
    offset_bytes INTEGER NOT NULL,
    length_bytes INTEGER NOT NULL CHECK (length_bytes > 0),
    blob_id      BLOB NOT NULL,
    start_bytes  INTEGER NOT NULL,
    PRIMARY KEY (upload_id, epoch, offset_bytes)
) STRICT, WITHOUT ROWID;

-- Who stored which range.
CREATE TABLE segments (
    upload_id    BLOB NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    epoch        INTEGER NOT NULL,
    offset_bytes INTEGER NOT NULL,
    length_bytes INTEGER NOT NULL CHECK (length_bytes > 0),
    backend      TEXT NOT NULL,
    frontend     TEXT,
    PRIMARY KEY (upload_id, epoch, offset_bytes)
) STRICT, WITHOUT ROWID;

-- How many uploads refer to a blob. From 0 it never rises again: then its bytes are being deleted.
CREATE TABLE blobs (
    id        BLOB NOT NULL PRIMARY KEY,
    refs      INTEGER NOT NULL CHECK (refs >= 0),
    doomed_at INTEGER,
    CHECK ((refs = 0) = (doomed_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX blobs_doomed ON blobs (doomed_at) WHERE doomed_at IS NOT NULL;

CREATE TABLE tombstones (
    id         BLOB NOT NULL PRIMARY KEY,
    removed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What each replica last said of itself, as JSON, and when.
CREATE TABLE replicas (
    container_id TEXT NOT NULL PRIMARY KEY,
    last_seen    INTEGER NOT NULL,
    report       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
