CREATE TABLE uploads (
    id           uuid PRIMARY KEY,
    filename     text NOT NULL,
    -- The name in lower case: by this one searches and sorts. Compared by bytes, as ids are, whatever the locale.
    filename_key text NOT NULL COLLATE "C",
    content_type text,
    metadata     text NOT NULL,
    length_bytes bigint CHECK (length_bytes >= 0),
    offset_bytes bigint NOT NULL CHECK (offset_bytes >= 0),
    epoch        bigint NOT NULL,
    digest_state bytea NOT NULL,
    sha256       bytea CHECK (octet_length(sha256) = 32),
    -- Where its own bytes go. NULL would say that it has none and only refers to those of others.
    blob_id      uuid,
    created_at   timestamptz NOT NULL,
    completed_at timestamptz,
    expires_at   timestamptz,
    CHECK (offset_bytes <= length_bytes),
    CHECK (completed_at IS NULL OR offset_bytes IS NOT DISTINCT FROM length_bytes)
);

CREATE INDEX uploads_by_name ON uploads (filename_key, id);
CREATE INDEX uploads_by_size ON uploads (coalesce(length_bytes, 0), id);
CREATE INDEX uploads_by_expiry ON uploads (expires_at) WHERE expires_at IS NOT NULL;

-- Which stored bytes count. Together the extents of an upload cover it from 0 to its offset, without gap or overlap.
-- The epoch is part of the key so that a writer never waits for the row of one that was fenced and hangs.
CREATE TABLE extents (
    upload_id    uuid NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    epoch        bigint NOT NULL,
    offset_bytes bigint NOT NULL,
    length_bytes bigint NOT NULL CHECK (length_bytes > 0),
    blob_id      uuid NOT NULL,
    start_bytes  bigint NOT NULL,
    PRIMARY KEY (upload_id, epoch, offset_bytes)
);

-- Who stored which range.
CREATE TABLE segments (
    upload_id    uuid NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    epoch        bigint NOT NULL,
    offset_bytes bigint NOT NULL,
    length_bytes bigint NOT NULL CHECK (length_bytes > 0),
    backend      text NOT NULL,
    frontend     text,
    PRIMARY KEY (upload_id, epoch, offset_bytes)
);

-- How many uploads refer to a blob. From 0 it never rises again: then its bytes are being deleted.
CREATE TABLE blobs (
    id        uuid PRIMARY KEY,
    refs      bigint NOT NULL CHECK (refs >= 0),
    doomed_at timestamptz,
    CHECK ((refs = 0) = (doomed_at IS NOT NULL))
);

CREATE INDEX blobs_doomed ON blobs (doomed_at) WHERE doomed_at IS NOT NULL;

CREATE TABLE tombstones (
    id         uuid PRIMARY KEY,
    removed_at timestamptz NOT NULL
);

-- What each replica last said of itself, and when. Said again every second, so a crash may take it, and no commit of it
-- has to reach the disk.
CREATE UNLOGGED TABLE replicas (
    container_id text PRIMARY KEY,
    last_seen    timestamptz NOT NULL,
    report       jsonb NOT NULL
) WITH (fillfactor = 50);

-- Bytes, where they are kept in this database. What is stored was compressed or will not compress.
CREATE TABLE blob_rows (
    blob_id     uuid NOT NULL,
    epoch       bigint NOT NULL,
    start_bytes bigint NOT NULL,
    data        bytea NOT NULL CHECK (octet_length(data) BETWEEN 1 AND 1048576),
    PRIMARY KEY (blob_id, epoch, start_bytes)
);

ALTER TABLE blob_rows ALTER COLUMN data SET STORAGE EXTERNAL;
