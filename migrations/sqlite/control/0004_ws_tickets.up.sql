-- Single-use tickets with which pages open WebSockets; only their digests are kept.
CREATE TABLE ws_tickets (
    digest TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idx_ws_tickets_expires_at ON ws_tickets (expires_at);
