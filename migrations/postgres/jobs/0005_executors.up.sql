-- How far jobs say they are; a row goes when its job's history does.
CREATE TABLE job_progress_notes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    job_id TEXT COLLATE "C" NOT NULL,
    percent DOUBLE PRECISION NOT NULL,
    text TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
);
CREATE INDEX idx_job_progress_notes_updated_at ON job_progress_notes (updated_at);
