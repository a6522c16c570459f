-- The fact that tells an activity: its number in the stream is the number of the activity, given
-- last of all in a transaction, so that no smaller one is committed after a larger one.
ALTER TABLE activities ADD COLUMN fact_id TEXT COLLATE "C";
CREATE INDEX idx_activities_fact_id ON activities (tenant_id, fact_id);
