ALTER TABLE projects DROP COLUMN kinds_id;
DROP TABLE item_kind_sets;
DROP TABLE item_kinds;
