DROP TABLE sprint_scope_events;
DROP INDEX idx_work_items_sprint_id;
ALTER TABLE work_items DROP COLUMN sprint_id;
DROP TABLE sprints;
ALTER TABLE projects DROP COLUMN time_zone;
