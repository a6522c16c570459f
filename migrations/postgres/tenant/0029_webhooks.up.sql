-- Where facts are sent to. `events` are patterns of event types, separated by blanks.
CREATE TABLE webhooks (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    project_id TEXT COLLATE "C",
    filter TEXT,
    description TEXT NOT NULL,
    active_since BIGINT,
    disabled_at BIGINT,
    disabled_reason TEXT,
    failing_since BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX idx_webhooks_active_since ON webhooks (tenant_id, active_since)
    WHERE active_since IS NOT NULL;

-- What signs deliveries, sealed. The one without an end is the newest.
CREATE TABLE webhook_secrets (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    webhook_id TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    valid_until BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_webhook_secrets_webhooks FOREIGN KEY (tenant_id, webhook_id)
        REFERENCES webhooks (tenant_id, id)
);
CREATE INDEX idx_webhook_secrets_webhook_id ON webhook_secrets (tenant_id, webhook_id);

-- Which process may send for a webhook now.
CREATE TABLE webhook_leases (
    tenant_id TEXT COLLATE "C" NOT NULL,
    webhook_id TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    held_until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, webhook_id)
);

-- What is sent, and was: `due_at` as long as it waits, `finished_at` once it has ended.
CREATE TABLE webhook_deliveries (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    webhook_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts BIGINT NOT NULL,
    attempts_max BIGINT NOT NULL,
    due_at BIGINT,
    attempted_at BIGINT,
    duration_ms BIGINT,
    status_code BIGINT,
    error TEXT,
    response_body TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_webhook_deliveries_webhooks FOREIGN KEY (tenant_id, webhook_id)
        REFERENCES webhooks (tenant_id, id)
);
CREATE INDEX idx_webhook_deliveries_webhook_id
    ON webhook_deliveries (tenant_id, webhook_id, id);
CREATE INDEX idx_webhook_deliveries_due_at
    ON webhook_deliveries (tenant_id, webhook_id, due_at, seq, id)
    WHERE state = 'pending';
CREATE INDEX idx_webhook_deliveries_finished_at
    ON webhook_deliveries (tenant_id, finished_at)
    WHERE finished_at IS NOT NULL;

-- There is no webhook yet, so nothing of what has happened is for one.
-- Its owner, too, sees no row of a table whose row-level security is forced.
DO $fill$
DECLARE
    is_forced BOOLEAN := (SELECT relforcerowsecurity FROM pg_class
                          WHERE oid = CAST('followers' AS REGCLASS));
BEGIN
    IF is_forced THEN
        ALTER TABLE followers NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE stream_heads NO FORCE ROW LEVEL SECURITY;
    END IF;
    INSERT INTO followers (tenant_id, name, seq)
    SELECT tenant_id, 'automation.webhooks', seq FROM stream_heads;
    IF is_forced THEN
        ALTER TABLE followers FORCE ROW LEVEL SECURITY;
        ALTER TABLE stream_heads FORCE ROW LEVEL SECURITY;
    END IF;
END $fill$;
