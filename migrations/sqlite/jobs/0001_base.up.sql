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
