DROP INDEX idx_work_items_archived_at;
ALTER TABLE work_items DROP COLUMN archived_at;
