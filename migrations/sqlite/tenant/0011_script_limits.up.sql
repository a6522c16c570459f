-- What limits the jobs of a version: JSON, null where nothing does.
ALTER TABLE script_versions ADD COLUMN limits TEXT;
