ALTER TABLE work_items DROP COLUMN completed_at;
ALTER TABLE work_items DROP COLUMN started_at;
