-- What lets workers on other machines take jobs. They belong to the installation; `tags` and
-- `tenants` are JSON, and null means all.
CREATE TABLE worker_tokens (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    prefix TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    tags TEXT,
    tenants TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX idx_worker_tokens_tenant_id_name ON worker_tokens (tenant_id, name)
    WHERE revoked_at IS NULL;
