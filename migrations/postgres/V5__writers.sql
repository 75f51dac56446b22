-- When the request that has the record's epoch was last heard of, while it may bring more; NULL once it has said that it will
-- not, and where nobody has said anything. Who asks where to go on waits a moment for one that was heard of just now.
ALTER TABLE uploads ADD COLUMN writer_seen_at timestamptz;
