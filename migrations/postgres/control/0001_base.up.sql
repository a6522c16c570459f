-- Every tenant, what state its store is in and where the store lies.
CREATE TABLE tenants (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'provisioning' CHECK (
        state IN ('provisioning', 'active', 'migrating', 'failed', 'suspended', 'deleting')
    ),
    state_reason TEXT,
    placement_kind TEXT CHECK (placement_kind IN ('file', 'schema', 'pool')),
    placement_dsn TEXT,
    placement_schema TEXT COLLATE "C",
    schema_version BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);
-- Two ids that differ in case alone would share a directory on some file systems.
CREATE UNIQUE INDEX idx_tenants_lower_id ON tenants (lower(id));
CREATE INDEX idx_tenants_placement_dsn_placement_kind ON tenants (placement_dsn, placement_kind);

-- Tenants whose stores may hold undelivered facts or audit lines after a crash.
CREATE TABLE tenant_wakeups (
    tenant_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind)
);
CREATE INDEX idx_tenant_wakeups_due_at ON tenant_wakeups (due_at);

-- What every process must drop from its caches, in the order of the commits.
CREATE TABLE changes (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    key TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX idx_changes_at ON changes (at);

-- Facts that await their number on the tenant's stream; rows stay for seven days.
CREATE TABLE outbox (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    feature TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    traceparent TEXT,
    delivered_at BIGINT,
    CONSTRAINT pk_outbox PRIMARY KEY (tenant_id, position),
    UNIQUE (tenant_id, id)
);
CREATE INDEX idx_outbox_tenant_id_position ON outbox (tenant_id, position)
    WHERE delivered_at IS NULL;
CREATE INDEX idx_outbox_tenant_id_delivered_at ON outbox (tenant_id, delivered_at)
    WHERE delivered_at IS NOT NULL;

-- Audit lines that await the tenant's chain.
CREATE TABLE audit_outbox (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    resource TEXT NOT NULL,
    request_id TEXT,
    address TEXT,
    before TEXT,
    after TEXT,
    detail TEXT,
    delivered_at BIGINT,
    CONSTRAINT pk_audit_outbox PRIMARY KEY (tenant_id, position),
    UNIQUE (tenant_id, id)
);
CREATE INDEX idx_audit_outbox_tenant_id_position ON audit_outbox (tenant_id, position)
    WHERE delivered_at IS NULL;
CREATE INDEX idx_audit_outbox_tenant_id_delivered_at ON audit_outbox (tenant_id, delivered_at)
    WHERE delivered_at IS NOT NULL;

-- First results of writes that came with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT NOT NULL,
    result TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, scope, key)
);
CREATE INDEX idx_idempotency_keys_tenant_id_created_at ON idempotency_keys (tenant_id, created_at);
