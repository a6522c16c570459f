-- Single-use tickets with which pages open WebSockets; only their digests are kept.
CREATE TABLE ws_tickets (
    digest TEXT COLLATE "C" PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    actor TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX idx_ws_tickets_expires_at ON ws_tickets (expires_at);
