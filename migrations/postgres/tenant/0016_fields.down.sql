DROP TABLE watchers;
DROP TABLE item_labels;
DROP TABLE labels;
DROP INDEX idx_work_items_due_date;
ALTER TABLE work_items DROP COLUMN label_ids;
ALTER TABLE work_items DROP COLUMN due_date;
ALTER TABLE work_items DROP COLUMN start_date;
ALTER TABLE work_items DROP COLUMN points;
