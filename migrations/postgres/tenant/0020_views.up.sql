-- Filters that people keep under a name: for themselves, or for all since `shared_at`.
CREATE TABLE views (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C",
    name TEXT NOT NULL,
    filter TEXT NOT NULL,
    owner_id TEXT COLLATE "C" NOT NULL,
    shared_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_views_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);
CREATE INDEX idx_views_owner_id ON views (tenant_id, owner_id, id);
