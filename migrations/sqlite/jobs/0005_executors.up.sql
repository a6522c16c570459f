-- How far jobs say they are; a row goes when its job's history does.
CREATE TABLE job_progress_notes (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    percent REAL NOT NULL,
    text TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
) STRICT;
CREATE INDEX idx_job_progress_notes_updated_at ON job_progress_notes (updated_at);
