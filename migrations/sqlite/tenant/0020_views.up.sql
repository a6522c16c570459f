-- Filters that people keep under a name: for themselves, or for all since `shared_at`.
CREATE TABLE views (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT,
    name TEXT NOT NULL,
    filter TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    shared_at INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_views_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT;
CREATE INDEX idx_views_owner_id ON views (tenant_id, owner_id, id);
