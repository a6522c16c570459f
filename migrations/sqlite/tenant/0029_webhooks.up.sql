-- Where facts are sent to. `events` are patterns of event types, separated by blanks.
CREATE TABLE webhooks (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    project_id TEXT,
    filter TEXT,
    description TEXT NOT NULL,
    active_since INTEGER,
    disabled_at INTEGER,
    disabled_reason TEXT,
    failing_since INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX idx_webhooks_active_since ON webhooks (tenant_id, active_since)
    WHERE active_since IS NOT NULL;

-- What signs deliveries, sealed. The one without an end is the newest.
CREATE TABLE webhook_secrets (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    value TEXT NOT NULL,
    key_id TEXT NOT NULL,
    valid_until INTEGER,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_webhook_secrets_webhooks FOREIGN KEY (tenant_id, webhook_id)
        REFERENCES webhooks (tenant_id, id)
) STRICT;
CREATE INDEX idx_webhook_secrets_webhook_id ON webhook_secrets (tenant_id, webhook_id);

-- Which process may send for a webhook now.
CREATE TABLE webhook_leases (
    tenant_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    held_until INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, webhook_id)
) STRICT, WITHOUT ROWID;

-- What is sent, and was: `due_at` as long as it waits, `finished_at` once it has ended.
CREATE TABLE webhook_deliveries (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    due_at INTEGER,
    attempted_at INTEGER,
    duration_ms INTEGER,
    status_code INTEGER,
    error TEXT,
    response_body TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_webhook_deliveries_webhooks FOREIGN KEY (tenant_id, webhook_id)
        REFERENCES webhooks (tenant_id, id)
) STRICT;
CREATE INDEX idx_webhook_deliveries_webhook_id
    ON webhook_deliveries (tenant_id, webhook_id, id);
CREATE INDEX idx_webhook_deliveries_due_at
    ON webhook_deliveries (tenant_id, webhook_id, due_at, seq, id)
    WHERE state = 'pending';
CREATE INDEX idx_webhook_deliveries_finished_at
    ON webhook_deliveries (tenant_id, finished_at)
    WHERE finished_at IS NOT NULL;

-- There is no webhook yet, so nothing of what has happened is for one.
INSERT INTO followers (tenant_id, name, seq)
SELECT tenant_id, 'automation.webhooks', seq FROM stream_heads;
