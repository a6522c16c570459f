-- The tenant's facts, numbered without gaps; it is its own outbox.
CREATE TABLE stream (
    tenant_id TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    feature TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    traceparent TEXT,
    PRIMARY KEY (tenant_id, seq),
    UNIQUE (tenant_id, id)
);

-- The last number given, and how far the bus has heard.
CREATE TABLE stream_heads (
    tenant_id TEXT COLLATE "C" PRIMARY KEY,
    seq BIGINT NOT NULL,
    published_seq BIGINT NOT NULL,
    epoch TEXT NOT NULL
);

-- How far each projection and reaction has read.
CREATE TABLE followers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

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
