DROP INDEX idx_activities_fact_id;
ALTER TABLE activities DROP COLUMN fact_id;
