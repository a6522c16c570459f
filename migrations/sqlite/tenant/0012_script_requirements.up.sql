-- What the jobs of a version need of their worker, as JSON, and the key by which they share one, where
-- a job does not say otherwise.
ALTER TABLE script_versions ADD COLUMN requires TEXT;
ALTER TABLE script_versions ADD COLUMN affinity_key TEXT;
