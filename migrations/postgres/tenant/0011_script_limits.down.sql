ALTER TABLE script_versions DROP COLUMN limits;
