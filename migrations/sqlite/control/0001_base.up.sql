-- Every tenant, what state its store is in and where the store lies.
CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'provisioning' CHECK (
        state IN ('provisioning', 'active', 'migrating', 'failed', 'suspended', 'deleting')
    ),
    state_reason TEXT,
    placement_kind TEXT CHECK (placement_kind IN ('file', 'schema', 'pool')),
    placement_dsn TEXT,
    placement_schema TEXT,
    schema_version INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
-- Two ids that differ in case alone would share a directory on some file systems.
CREATE UNIQUE INDEX idx_tenants_lower_id ON tenants (lower(id));
CREATE INDEX idx_tenants_placement_dsn_placement_kind ON tenants (placement_dsn, placement_kind);

-- Tenants whose stores may hold undelivered facts or audit lines after a crash.
CREATE TABLE tenant_wakeups (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, kind)
) STRICT;
CREATE INDEX idx_tenant_wakeups_due_at ON tenant_wakeups (due_at);

-- What every process must drop from its caches, in the order of the commits.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX idx_changes_at ON changes (at);

-- Facts that await their number on the tenant's stream; rows stay for seven days.
CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    feature TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    traceparent TEXT,
    delivered_at INTEGER,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE INDEX idx_outbox_tenant_id_position ON outbox (tenant_id, position)
    WHERE delivered_at IS NULL;
CREATE INDEX idx_outbox_tenant_id_delivered_at ON outbox (tenant_id, delivered_at)
    WHERE delivered_at IS NOT NULL;

-- Audit lines that await the tenant's chain.
CREATE TABLE audit_outbox (
    position INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    resource TEXT NOT NULL,
    request_id TEXT,
    address TEXT,
    before TEXT,
    after TEXT,
    detail TEXT,
    delivered_at INTEGER,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE INDEX idx_audit_outbox_tenant_id_position ON audit_outbox (tenant_id, position)
    WHERE delivered_at IS NULL;
CREATE INDEX idx_audit_outbox_tenant_id_delivered_at ON audit_outbox (tenant_id, delivered_at)
    WHERE delivered_at IS NOT NULL;

-- First results of writes that came with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    tenant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    result TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, scope, key)
) STRICT;
CREATE INDEX idx_idempotency_keys_tenant_id_created_at ON idempotency_keys (tenant_id, created_at);
