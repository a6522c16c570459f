-- Functions that workers have registered: what may be called by its name, and with which
-- arguments. They belong to the installation; `definition` is JSON.
CREATE TABLE functions (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;
