ALTER TABLE script_versions DROP COLUMN attempts_max;
