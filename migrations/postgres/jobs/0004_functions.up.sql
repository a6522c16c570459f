-- Functions that workers have registered: what may be called by its name, and with which
-- arguments. They belong to the installation; `definition` is JSON.
CREATE TABLE functions (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    definition TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
