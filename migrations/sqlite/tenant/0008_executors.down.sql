DROP TABLE script_states;
ALTER TABLE script_versions DROP COLUMN imports;
ALTER TABLE script_versions DROP COLUMN lock_hash;
