-- What many jobs have in common: what to run, for whom, and within which limits. Each is kept once,
-- found by the digest of all of it, so that a job's row is short. `used_at` is renewed once a day.
CREATE TABLE job_specs (
    id INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    tag TEXT NOT NULL,
    isolation TEXT NOT NULL,
    priority INTEGER NOT NULL,
    actor TEXT NOT NULL,
    script_path TEXT,
    language TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    content TEXT,
    timeout_seconds INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    UNIQUE (tenant_id, digest)
) STRICT;

-- Jobs that are not finished. `position` comes from the database and gives the order of arrival;
-- `order_key` is due_at minus priority times ageing, fixed when the job is made. Tag and isolation
-- are the specification's, here for the index. What few jobs have is null in all others, and only
-- they are in its index.
CREATE TABLE jobs (
    position INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    spec_id INTEGER NOT NULL,
    tag TEXT NOT NULL,
    isolation TEXT NOT NULL,
    order_key INTEGER NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    rescues INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    generation INTEGER,
    started_at INTEGER,
    worker_id TEXT,
    args TEXT NOT NULL,
    key TEXT,
    work_item_id TEXT,
    trigger_id TEXT,
    traceparent TEXT,
    error TEXT,
    cancel_requested_at INTEGER,
    cancelled_by TEXT,
    parent_id TEXT,
    root_id TEXT,
    labels TEXT,
    concurrency_key TEXT,
    unique_key TEXT,
    cache_key TEXT,
    expires_at INTEGER,
    paused_at INTEGER,
    snoozes INTEGER,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE INDEX idx_jobs_ready ON jobs (tag, isolation, tenant_id, order_key, position)
    WHERE state = 'queued';
CREATE INDEX idx_jobs_due_at ON jobs (due_at) WHERE state = 'scheduled';
CREATE INDEX idx_jobs_worker_id ON jobs (worker_id) WHERE worker_id IS NOT NULL;
CREATE INDEX idx_jobs_cancel_requested_at ON jobs (cancel_requested_at)
    WHERE cancel_requested_at IS NOT NULL;
CREATE INDEX idx_jobs_expires_at ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idx_jobs_tenant_id_work_item_id ON jobs (tenant_id, work_item_id)
    WHERE work_item_id IS NOT NULL;
CREATE INDEX idx_jobs_tenant_id_parent_id ON jobs (tenant_id, parent_id)
    WHERE parent_id IS NOT NULL;
CREATE INDEX idx_jobs_tenant_id_concurrency_key ON jobs (tenant_id, concurrency_key)
    WHERE concurrency_key IS NOT NULL;
CREATE UNIQUE INDEX idx_jobs_tenant_id_unique_key ON jobs (tenant_id, unique_key)
    WHERE unique_key IS NOT NULL;

-- Finished jobs; `day` is the day in the job's id, counted from 1970-01-01.
-- Rows are added in the order in which jobs finish, so the oldest have the lowest rowid.
CREATE TABLE job_history (
    tenant_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    id TEXT NOT NULL,
    spec_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    rescues INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER NOT NULL,
    peak_memory_bytes INTEGER NOT NULL,
    cpu_microseconds INTEGER NOT NULL,
    worker_id TEXT,
    args TEXT NOT NULL,
    result TEXT,
    key TEXT,
    work_item_id TEXT,
    trigger_id TEXT,
    traceparent TEXT,
    error TEXT,
    cancelled_by TEXT,
    parent_id TEXT,
    root_id TEXT,
    labels TEXT,
    concurrency_key TEXT,
    cache_key TEXT,
    snoozes INTEGER,
    PRIMARY KEY (tenant_id, day, id)
) STRICT;
CREATE INDEX idx_job_history_tenant_id_work_item_id ON job_history (tenant_id, work_item_id, id)
    WHERE work_item_id IS NOT NULL;
CREATE INDEX idx_job_history_tenant_id_parent_id ON job_history (tenant_id, parent_id, id)
    WHERE parent_id IS NOT NULL;
CREATE INDEX idx_job_history_tenant_id_cache_key ON job_history (tenant_id, cache_key, finished_at)
    WHERE cache_key IS NOT NULL;

-- Ids that clients chose, kept as long as the history: one key never runs twice.
CREATE TABLE job_keys (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    job_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT;
CREATE INDEX idx_job_keys_created_at ON job_keys (created_at);

-- What is special about a lane of ready jobs. A lane without a row has weight 1; which lanes hold
-- jobs is read from idx_jobs_ready, so that enqueueing never meets on a counter.
CREATE TABLE ready_lanes (
    tenant_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    weight INTEGER NOT NULL,
    paused_at INTEGER,
    PRIMARY KEY (tenant_id, tag)
) STRICT;

-- Workers and their leases: `generation` counts registrations, `beat` counts signs of life.
CREATE TABLE workers (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    host TEXT NOT NULL,
    slots INTEGER NOT NULL,
    tags TEXT NOT NULL,
    isolations TEXT NOT NULL,
    generation INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    resident_bytes INTEGER NOT NULL,
    connected_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    draining_at INTEGER,
    left_at INTEGER,
    PRIMARY KEY (tenant_id, id)
) STRICT;

-- How many jobs of a key may run at once, and how many do.
CREATE TABLE concurrency_slots (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    slots_max INTEGER NOT NULL,
    running INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT;

-- Who does what only one process may do.
CREATE TABLE leaders (
    tenant_id TEXT NOT NULL,
    role TEXT NOT NULL,
    holder TEXT NOT NULL,
    term INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, role)
) STRICT;
