-- Attempts that were not a job's last: the last one's figures are those of the job itself.
-- `outcome` is failed, timed_out, or lost when the worker was.
CREATE TABLE job_attempts (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    worker_id TEXT,
    started_at INTEGER,
    finished_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    peak_memory_bytes INTEGER NOT NULL,
    cpu_microseconds INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, job_id, epoch)
) STRICT;
CREATE INDEX idx_job_attempts_finished_at ON job_attempts (finished_at);

-- Figures that jobs say of themselves, by name; each has the value that was said last.
CREATE TABLE job_metrics (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, job_id, name)
) STRICT;
CREATE INDEX idx_job_metrics_updated_at ON job_metrics (updated_at);

-- What a function keeps from one job to the next; `value` is JSON.
CREATE TABLE function_states (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;
