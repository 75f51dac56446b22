-- What takes long comes first: the columns, which lock their tables against everybody, last. Where the tables are large
-- these indexes are made by hand before the update.

-- Who else refers to some bytes.
CREATE INDEX IF NOT EXISTS extents_by_blob ON extents (blob_id, epoch);
-- Equal content, and content whose digest is not known yet.
CREATE INDEX IF NOT EXISTS uploads_by_content ON uploads (sha256, length_bytes) WHERE sha256 IS NOT NULL;
CREATE INDEX IF NOT EXISTS uploads_undigested ON uploads (completed_at) WHERE completed_at IS NOT NULL AND sha256 IS NULL;

-- Of which uploads a final one is made, in order. A part may be removed once its bytes were taken over.
CREATE TABLE parts (
    final_id BLOB NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    part_id  BLOB NOT NULL,
    PRIMARY KEY (final_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX parts_by_part ON parts (part_id);

-- Bytes that an epoch brought behind its upload's offset and that do not count until their checksum is known to be right. Of a
-- lost epoch they never will; the row stays until they are deleted.
CREATE TABLE pending (
    upload_id    BLOB NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    epoch        INTEGER NOT NULL,
    end_bytes    INTEGER NOT NULL,
    digest_state BLOB NOT NULL,
    PRIMARY KEY (upload_id, epoch)
) STRICT, WITHOUT ROWID;

-- What an upload is to others: NULL, "partial", or "final;" and the URLs of its parts as its creator gave them.
ALTER TABLE uploads ADD COLUMN concat TEXT;
-- How far into a final upload its digest's state reaches, while it has no digest. NULL in all others: there the state is that
-- of the bytes before the offset.
ALTER TABLE uploads ADD COLUMN digested_bytes INTEGER;

-- Whether a segment is of such bytes.
ALTER TABLE segments ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
