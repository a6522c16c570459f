-- Keys that seal secrets; `wrapped` is the key itself, sealed by the master key of this id. One of
-- them seals what is written now; those retired open what was written before.
CREATE TABLE secret_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX idx_secret_keys_in_use ON secret_keys (tenant_id) WHERE retired_at IS NULL;

-- Named texts that scripts read. A secret has `key_id`, and in `value` what that key has sealed.
CREATE TABLE variables (
    tenant_id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    key_id TEXT COLLATE "C",
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, path),
    CONSTRAINT fk_variables_secret_keys
        FOREIGN KEY (tenant_id, key_id) REFERENCES secret_keys (tenant_id, id)
);
CREATE INDEX idx_variables_tenant_id_key_id ON variables (tenant_id, key_id)
    WHERE key_id IS NOT NULL;

-- What a tenant's own resources may look like; `schema` is JSON Schema.
CREATE TABLE resource_types (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    schema TEXT NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- How to reach something: a value of a type, as JSON, which may refer to variables and resources.
CREATE TABLE resources (
    tenant_id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, path)
);
CREATE INDEX idx_resources_tenant_id_type ON resources (tenant_id, type);

-- Which resource refers to what; `target` is written as in its value, such as $var:mail/password.
CREATE TABLE resource_references (
    tenant_id TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, target, path),
    CONSTRAINT fk_resource_references_resources
        FOREIGN KEY (tenant_id, path) REFERENCES resources (tenant_id, path) ON DELETE CASCADE
);
CREATE INDEX idx_resource_references_tenant_id_path ON resource_references (tenant_id, path);
