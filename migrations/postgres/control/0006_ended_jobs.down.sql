-- Jobs whose tokens ended before their time: those of `epoch` and below.
CREATE TABLE ended_jobs (
    tenant_id TEXT COLLATE "C" NOT NULL,
    job_id TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
);
CREATE INDEX idx_ended_jobs_expires_at ON ended_jobs (expires_at);
