ALTER TABLE script_versions DROP COLUMN affinity_key;
ALTER TABLE script_versions DROP COLUMN requires;
