DROP INDEX idx_work_items_rank;
ALTER TABLE work_items DROP COLUMN rank;
