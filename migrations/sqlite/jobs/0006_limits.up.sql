-- contract: no release has used the columns and indexes that go.
-- What holds jobs back besides their time: JSON, null where nothing does.
ALTER TABLE job_specs ADD COLUMN limits TEXT;

-- A job in state 'waiting' says in `waits_for` what for: 'entry' (its time has come, and its limits
-- were not asked yet), 'concurrency' or 'rate'; `gate_key` is the key of that limit. `slot_at` is
-- since when a job has a slot of its concurrency key. Slots are counted from these rows alone.
DROP INDEX idx_jobs_tenant_id_unique_key;
DROP INDEX idx_jobs_tenant_id_concurrency_key;
DROP INDEX idx_jobs_expires_at;
ALTER TABLE jobs DROP COLUMN unique_key;
ALTER TABLE jobs ADD COLUMN rate_key TEXT;
ALTER TABLE jobs ADD COLUMN waits_for TEXT;
ALTER TABLE jobs ADD COLUMN gate_key TEXT;
ALTER TABLE jobs ADD COLUMN slot_at INTEGER;
CREATE INDEX idx_jobs_expires_at ON jobs (expires_at)
    WHERE expires_at IS NOT NULL AND worker_id IS NULL;
CREATE INDEX idx_jobs_waits_for ON jobs (waits_for, tenant_id, gate_key, order_key, position)
    WHERE waits_for IS NOT NULL;
CREATE INDEX idx_jobs_slot_at ON jobs (tenant_id, concurrency_key) WHERE slot_at IS NOT NULL;
CREATE INDEX idx_jobs_rate_key ON jobs (tenant_id, rate_key)
    WHERE state = 'queued' AND rate_key IS NOT NULL;

-- Which job's result a cached one has, and until when a result is kept.
ALTER TABLE job_history ADD COLUMN cached_from TEXT;
ALTER TABLE job_history ADD COLUMN result_expires_at INTEGER;
CREATE INDEX idx_job_history_result_expires_at ON job_history (result_expires_at)
    WHERE result_expires_at IS NOT NULL AND result IS NOT NULL;

-- How many jobs of a key may run at once; who does is counted from the jobs.
ALTER TABLE concurrency_slots DROP COLUMN running;
ALTER TABLE concurrency_slots ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;

-- How often jobs of a key may start. The bucket is full of tokens at `full_at`; `wake_at` is when
-- the next job that waits for one may have it.
CREATE TABLE rate_buckets (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    interval_microseconds INTEGER NOT NULL,
    burst INTEGER NOT NULL,
    full_at INTEGER NOT NULL,
    wake_at INTEGER,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT;
CREATE INDEX idx_rate_buckets_wake_at ON rate_buckets (wake_at) WHERE wake_at IS NOT NULL;

-- Which job stands for a key: the only one while it lives and until `until_at`, or the one that
-- later ones are merged into. A merge begins at `since_at`.
CREATE TABLE job_stands (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    job_id TEXT NOT NULL,
    since_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, kind, key)
) STRICT;
CREATE INDEX idx_job_stands_used_at ON job_stands (used_at);
