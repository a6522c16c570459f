-- Servers of models. `key` is sealed by the key `key_id`.
CREATE TABLE llm_providers (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    dialect TEXT NOT NULL,
    base_url TEXT NOT NULL,
    key TEXT,
    key_id TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_llm_providers_name ON llm_providers (tenant_id, name);
CREATE INDEX idx_llm_providers_key_id ON llm_providers (tenant_id, key_id)
    WHERE key_id IS NOT NULL;

-- Names that clients ask for. `parameters` is JSON.
CREATE TABLE llm_aliases (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    parameters TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_llm_aliases_name ON llm_aliases (tenant_id, name);

-- What is behind an alias, in the order in which it is asked.
CREATE TABLE llm_deployments (
    tenant_id TEXT NOT NULL,
    alias_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    provider_id TEXT NOT NULL,
    model TEXT NOT NULL,
    PRIMARY KEY (tenant_id, alias_id, position),
    CONSTRAINT fk_llm_deployments_llm_aliases FOREIGN KEY (tenant_id, alias_id)
        REFERENCES llm_aliases (tenant_id, id),
    CONSTRAINT fk_llm_deployments_llm_providers FOREIGN KEY (tenant_id, provider_id)
        REFERENCES llm_providers (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_llm_deployments_provider_id ON llm_deployments (tenant_id, provider_id);

-- The ledger: what each request of a model used, and how it ended.
CREATE TABLE llm_requests (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    operation TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    user_id TEXT,
    model TEXT NOT NULL,
    alias_id TEXT,
    provider_id TEXT,
    deployed_model TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'failed', 'cancelled')),
    status_code INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    first_part_ms INTEGER,
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX idx_llm_requests_started_at ON llm_requests (tenant_id, started_at);
