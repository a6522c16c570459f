-- What many jobs have in common: what to run, for whom, and within which limits. Each is kept once,
-- found by the digest of all of it, so that a job's row is short. `used_at` is renewed once a day.
CREATE TABLE job_specs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    isolation TEXT COLLATE "C" NOT NULL,
    priority BIGINT NOT NULL,
    actor TEXT NOT NULL,
    script_path TEXT COLLATE "C",
    language TEXT COLLATE "C" NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    content TEXT,
    timeout_seconds BIGINT NOT NULL,
    attempts_max BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, digest)
);

-- Jobs that are not finished. `position` comes from the database and gives the order of arrival;
-- `order_key` is due_at minus priority times ageing, fixed when the job is made. Tag and isolation
-- are the specification's, here for the index. What few jobs have is null in all others, and only
-- they are in its index.
CREATE TABLE jobs (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    spec_id BIGINT NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    isolation TEXT COLLATE "C" NOT NULL,
    order_key BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    rescues BIGINT NOT NULL DEFAULT 0,
    epoch BIGINT NOT NULL DEFAULT 0,
    generation BIGINT,
    started_at BIGINT,
    worker_id TEXT COLLATE "C",
    args TEXT NOT NULL,
    key TEXT COLLATE "C",
    work_item_id TEXT COLLATE "C",
    trigger_id TEXT COLLATE "C",
    traceparent TEXT,
    error TEXT,
    cancel_requested_at BIGINT,
    cancelled_by TEXT,
    parent_id TEXT COLLATE "C",
    root_id TEXT COLLATE "C",
    labels TEXT,
    concurrency_key TEXT COLLATE "C",
    unique_key TEXT COLLATE "C",
    cache_key TEXT COLLATE "C",
    expires_at BIGINT,
    paused_at BIGINT,
    snoozes BIGINT,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
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
CREATE TABLE job_history (
    tenant_id TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    spec_id BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    rescues BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT NOT NULL,
    peak_memory_bytes BIGINT NOT NULL,
    cpu_microseconds BIGINT NOT NULL,
    worker_id TEXT COLLATE "C",
    args TEXT NOT NULL,
    result TEXT,
    key TEXT COLLATE "C",
    work_item_id TEXT COLLATE "C",
    trigger_id TEXT COLLATE "C",
    traceparent TEXT,
    error TEXT,
    cancelled_by TEXT,
    parent_id TEXT COLLATE "C",
    root_id TEXT COLLATE "C",
    labels TEXT,
    concurrency_key TEXT COLLATE "C",
    cache_key TEXT COLLATE "C",
    snoozes BIGINT,
    PRIMARY KEY (tenant_id, day, id)
) PARTITION BY RANGE (day);
CREATE INDEX idx_job_history_tenant_id_work_item_id ON job_history (tenant_id, work_item_id, id)
    WHERE work_item_id IS NOT NULL;
CREATE INDEX idx_job_history_tenant_id_parent_id ON job_history (tenant_id, parent_id, id)
    WHERE parent_id IS NOT NULL;
CREATE INDEX idx_job_history_tenant_id_cache_key ON job_history (tenant_id, cache_key, finished_at)
    WHERE cache_key IS NOT NULL;
-- A summary of each range of pages: rows come in the order in which jobs finish.
CREATE INDEX idx_job_history_finished_at ON job_history USING brin (finished_at);

-- Ids that clients chose, kept as long as the history: one key never runs twice.
CREATE TABLE job_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    job_id TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idx_job_keys_created_at ON job_keys (created_at);

-- What is special about a lane of ready jobs. A lane without a row has weight 1; which lanes hold
-- jobs is read from idx_jobs_ready, so that enqueueing never meets on a counter.
CREATE TABLE ready_lanes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    weight BIGINT NOT NULL,
    paused_at BIGINT,
    PRIMARY KEY (tenant_id, tag)
);

-- Workers and their leases: `generation` counts registrations, `beat` counts signs of life.
CREATE TABLE workers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    host TEXT NOT NULL,
    slots BIGINT NOT NULL,
    tags TEXT NOT NULL,
    isolations TEXT NOT NULL,
    generation BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    resident_bytes BIGINT NOT NULL,
    connected_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    draining_at BIGINT,
    left_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);

-- How many jobs of a key may run at once, and how many do.
CREATE TABLE concurrency_slots (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    slots_max BIGINT NOT NULL,
    running BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

-- Who does what only one process may do.
CREATE TABLE leaders (
    tenant_id TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    term BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, role)
);

CREATE TABLE job_history_rest PARTITION OF job_history DEFAULT;

-- Use cases run no DDL, so the partitions are made and dropped by these two.
CREATE FUNCTION make_job_history_day(day_made BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('job_history_' || day_made) IS NOT NULL THEN
        RETURN 0;
    END IF;
    IF EXISTS (SELECT 1 FROM job_history_rest WHERE day = day_made) THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF job_history FOR VALUES FROM (%s) TO (%s)',
        'job_history_' || day_made, day_made, day_made + 1
    );
    RETURN 1;
END $$;

CREATE FUNCTION drop_job_history_day(day_dropped BIGINT, finished_before BIGINT) RETURNS BIGINT
LANGUAGE plpgsql AS $$
DECLARE
    kept BIGINT;
BEGIN
    IF to_regclass('job_history_' || day_dropped) IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'SELECT COUNT(*) FROM (SELECT 1 FROM %I WHERE finished_at >= $1 LIMIT 1) AS young',
        'job_history_' || day_dropped
    ) INTO kept USING finished_before;
    IF kept > 0 THEN
        RETURN 0;
    END IF;
    EXECUTE format('DROP TABLE %I', 'job_history_' || day_dropped);
    RETURN 1;
END $$;
