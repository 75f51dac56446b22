-- An index that was begun by hand (CREATE INDEX CONCURRENTLY) and came to no end is there and is never read: it is finished.
-- One that is being made right now is waited for, then this is tried again.
DO $$
DECLARE
    unfinished regclass;
BEGIN
    FOR unfinished IN
        SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE NOT indisvalid AND indrelid IN ('uploads'::regclass, 'extents'::regclass, 'tombstones'::regclass)
        AND relname IN ('extents_by_blob', 'uploads_by_content', 'uploads_undigested', 'uploads_by_completion',
                        'tombstones_by_removal')
    LOOP
        EXECUTE format('REINDEX INDEX %s', unfinished);
    END LOOP;
END
$$;

-- What has changed lately, for those who watch the list. Where the tables are large these are made by hand before the update.
CREATE INDEX IF NOT EXISTS uploads_by_completion ON uploads (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tombstones_by_removal ON tombstones (removed_at);

-- What is pending of an upload outlives it: others can go on referring to its blob, and the bytes have to be found there.
ALTER TABLE pending DROP CONSTRAINT pending_upload_id_fkey;
