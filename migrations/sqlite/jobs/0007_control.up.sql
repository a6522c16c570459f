-- Whose jobs they are, to search by: the person behind a token or a job, else who acts.
ALTER TABLE job_specs ADD COLUMN actor_id TEXT;
UPDATE job_specs SET actor_id =
    COALESCE(actor ->> '$.user_id', actor ->> '$.id');
CREATE INDEX idx_job_specs_tenant_id_actor_id ON job_specs (tenant_id, actor_id);
CREATE INDEX idx_job_specs_tenant_id_script_path ON job_specs (tenant_id, script_path)
    WHERE script_path IS NOT NULL;
CREATE INDEX idx_job_specs_tenant_id_content ON job_specs (tenant_id, content)
    WHERE language = 'function';
CREATE INDEX idx_job_specs_tenant_id_tag ON job_specs (tenant_id, tag);

-- Searches of the history: what a job has in common with others is found in job_specs first. Only
-- the first of these indexes has a row for each job; most jobs succeed and have no root.
CREATE INDEX idx_job_history_spec_id_day_id ON job_history (spec_id, day, id);
CREATE INDEX idx_job_history_spec_id_state_day_id ON job_history (spec_id, state, day, id)
    WHERE state <> 'succeeded';
CREATE INDEX idx_job_history_tenant_id_state_day_id ON job_history (tenant_id, state, day, id)
    WHERE state <> 'succeeded';
CREATE INDEX idx_job_history_tenant_id_root_id ON job_history (tenant_id, root_id, id)
    WHERE root_id IS NOT NULL;
CREATE INDEX idx_jobs_tenant_id_root_id ON jobs (tenant_id, root_id, id)
    WHERE root_id IS NOT NULL;

-- The labels of jobs, live and finished, by the day in the job's id.
CREATE TABLE job_labels (
    tenant_id TEXT NOT NULL,
    label TEXT NOT NULL,
    day INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, label, day, job_id)
) STRICT;
CREATE INDEX idx_job_labels_day ON job_labels (day);

-- Which job was made from which: a retry, of which each job has one, or a run with other arguments.
CREATE TABLE job_origins (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    origin_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
) STRICT;
CREATE UNIQUE INDEX idx_job_origins_tenant_id_origin_id ON job_origins (tenant_id, origin_id)
    WHERE kind = 'retry';
CREATE INDEX idx_job_origins_created_at ON job_origins (created_at);

-- Which finished jobs are kept for less time than the history: by path, or by label.
CREATE TABLE retention_rules (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT,
    label TEXT,
    keep_days INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;

-- Set while a worker shall take nothing more by order of a person: for good, or until the
-- registration `drain_generation` has left.
ALTER TABLE workers ADD COLUMN drain_requested_at INTEGER;
ALTER TABLE workers ADD COLUMN drain_generation INTEGER;
