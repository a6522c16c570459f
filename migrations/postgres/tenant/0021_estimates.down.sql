ALTER TABLE work_items DROP COLUMN estimate_seconds;
