-- What lets workers on other machines take jobs. They belong to the installation; `tags` and
-- `tenants` are JSON, and null means all.
CREATE TABLE worker_tokens (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT,
    tenants TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_worker_tokens_tenant_id_name ON worker_tokens (tenant_id, name)
    WHERE revoked_at IS NULL;
