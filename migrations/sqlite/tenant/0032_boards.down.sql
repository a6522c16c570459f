DROP INDEX idx_work_items_board;
ALTER TABLE projects DROP COLUMN limits_id;
DROP TABLE board_settings;
