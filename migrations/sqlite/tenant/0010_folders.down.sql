ALTER TABLE script_versions DROP COLUMN isolation;
DROP TABLE folder_grants;
DROP TABLE folders;
