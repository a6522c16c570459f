DROP INDEX idx_work_items_status_category;
ALTER TABLE work_items DROP COLUMN status_category;
ALTER TABLE projects DROP COLUMN workflow_id;
DROP TABLE workflow_statuses;
DROP TABLE workflows;
