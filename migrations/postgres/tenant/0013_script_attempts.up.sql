-- How often a job of a version is tried at most, where a job does not say otherwise.
ALTER TABLE script_versions ADD COLUMN attempts_max BIGINT;
