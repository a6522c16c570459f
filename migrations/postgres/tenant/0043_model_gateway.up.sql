-- Servers of models. `key` is sealed by the key `key_id`.
CREATE TABLE llm_providers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    dialect TEXT COLLATE "C" NOT NULL,
    base_url TEXT NOT NULL,
    key TEXT,
    key_id TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX idx_llm_providers_name ON llm_providers (tenant_id, name);
CREATE INDEX idx_llm_providers_key_id ON llm_providers (tenant_id, key_id)
    WHERE key_id IS NOT NULL;

-- Names that clients ask for. `parameters` is JSON.
CREATE TABLE llm_aliases (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    parameters TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX idx_llm_aliases_name ON llm_aliases (tenant_id, name);

-- What is behind an alias, in the order in which it is asked.
CREATE TABLE llm_deployments (
    tenant_id TEXT COLLATE "C" NOT NULL,
    alias_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, alias_id, position),
    CONSTRAINT fk_llm_deployments_llm_aliases FOREIGN KEY (tenant_id, alias_id)
        REFERENCES llm_aliases (tenant_id, id),
    CONSTRAINT fk_llm_deployments_llm_providers FOREIGN KEY (tenant_id, provider_id)
        REFERENCES llm_providers (tenant_id, id)
);
CREATE INDEX idx_llm_deployments_provider_id ON llm_deployments (tenant_id, provider_id);

-- The ledger: what each request of a model used, and how it ended.
CREATE TABLE llm_requests (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    actor_kind TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    model TEXT COLLATE "C" NOT NULL,
    alias_id TEXT COLLATE "C",
    provider_id TEXT COLLATE "C",
    deployed_model TEXT COLLATE "C",
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('ok', 'failed', 'cancelled')),
    status_code BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    first_part_ms BIGINT,
    duration_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX idx_llm_requests_started_at ON llm_requests (tenant_id, started_at);
