-- How the jobs of a tag are ordered and placed. A tag without a row goes the plain way: fair
-- shares, and whichever worker is freest. Strategies belong to the installation.
CREATE TABLE tag_strategies (
    tenant_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    order_rule TEXT NOT NULL,
    worker_rule TEXT NOT NULL,
    affinity_wait_seconds REAL NOT NULL,
    reserve_seconds REAL NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, tag)
) STRICT;

-- Tags that workers have ever announced: jobs may ask for these.
CREATE TABLE worker_tags (
    tenant_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    announced_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, tag)
) STRICT;

-- What a worker's machine has to offer; null is what it did not say.
ALTER TABLE workers ADD COLUMN cpu REAL;
ALTER TABLE workers ADD COLUMN memory_mib INTEGER;
ALTER TABLE workers ADD COLUMN labels TEXT;

-- What jobs ask of a worker: `requires` is JSON, the key is what they would share a worker by.
ALTER TABLE job_specs ADD COLUMN requires TEXT;
ALTER TABLE jobs ADD COLUMN affinity_key TEXT;
ALTER TABLE job_history ADD COLUMN affinity_key TEXT;
