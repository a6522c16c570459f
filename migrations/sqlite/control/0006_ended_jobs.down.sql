-- Jobs whose tokens ended before their time: those of `epoch` and below.
CREATE TABLE ended_jobs (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
) STRICT;
CREATE INDEX idx_ended_jobs_expires_at ON ended_jobs (expires_at);
