UPDATE jobs SET state = 'queued' WHERE state = 'waiting';
DROP TABLE job_stands;
DROP TABLE rate_buckets;
ALTER TABLE concurrency_slots DROP COLUMN used_at;
ALTER TABLE concurrency_slots ADD COLUMN running BIGINT NOT NULL DEFAULT 0;
DROP INDEX idx_job_history_result_expires_at;
ALTER TABLE job_history DROP COLUMN result_expires_at;
ALTER TABLE job_history DROP COLUMN cached_from;
DROP INDEX idx_jobs_rate_key;
DROP INDEX idx_jobs_slot_at;
DROP INDEX idx_jobs_waits_for;
DROP INDEX idx_jobs_expires_at;
ALTER TABLE jobs DROP COLUMN slot_at;
ALTER TABLE jobs DROP COLUMN gate_key;
ALTER TABLE jobs DROP COLUMN waits_for;
ALTER TABLE jobs DROP COLUMN rate_key;
ALTER TABLE jobs ADD COLUMN unique_key TEXT COLLATE "C";
CREATE INDEX idx_jobs_expires_at ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idx_jobs_tenant_id_concurrency_key ON jobs (tenant_id, concurrency_key)
    WHERE concurrency_key IS NOT NULL;
CREATE UNIQUE INDEX idx_jobs_tenant_id_unique_key ON jobs (tenant_id, unique_key)
    WHERE unique_key IS NOT NULL;
ALTER TABLE job_specs DROP COLUMN limits;
