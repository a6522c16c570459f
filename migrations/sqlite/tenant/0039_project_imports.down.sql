DROP INDEX idx_former_keys_work_item_id;
DROP TABLE imported_keys;
DROP TABLE project_imports;
