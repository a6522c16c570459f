-- The tenant's facts, numbered without gaps; it is its own outbox.
CREATE TABLE stream (
    tenant_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    feature TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    traceparent TEXT,
    PRIMARY KEY (tenant_id, seq),
    UNIQUE (tenant_id, id)
) STRICT;

-- The last number given, and how far the bus has heard.
CREATE TABLE stream_heads (
    tenant_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    published_seq INTEGER NOT NULL,
    epoch TEXT NOT NULL
) STRICT;

-- How far each projection and reaction has read.
CREATE TABLE followers (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;

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
