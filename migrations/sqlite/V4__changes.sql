-- What has changed lately, for those who watch the list.
CREATE INDEX uploads_by_completion ON uploads (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX tombstones_by_removal ON tombstones (removed_at);
