-- What lets somebody without an account read one project; of the secret only its digest is kept.
CREATE TABLE guest_links (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX idx_guest_links_project_id ON guest_links (tenant_id, project_id, id);
