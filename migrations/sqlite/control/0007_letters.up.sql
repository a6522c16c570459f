-- Letters that wait to be sent, sealed: they hold links that open accounts.
CREATE TABLE letters (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    held_until INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL
);
CREATE INDEX idx_letters_due_at ON letters (due_at);
