-- Attempts that were not a job's last: the last one's figures are those of the job itself.
-- `outcome` is failed, timed_out, or lost when the worker was.
CREATE TABLE job_attempts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    job_id TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    worker_id TEXT COLLATE "C",
    started_at BIGINT,
    finished_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    peak_memory_bytes BIGINT NOT NULL,
    cpu_microseconds BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, job_id, epoch)
);
CREATE INDEX idx_job_attempts_finished_at ON job_attempts (finished_at);

-- Figures that jobs say of themselves, by name; each has the value that was said last.
CREATE TABLE job_metrics (
    tenant_id TEXT COLLATE "C" NOT NULL,
    job_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, job_id, name)
);
CREATE INDEX idx_job_metrics_updated_at ON job_metrics (updated_at);

-- What a function keeps from one job to the next; `value` is JSON.
CREATE TABLE function_states (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
