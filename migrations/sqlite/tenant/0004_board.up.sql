-- Projects give their items numbers: `next_item_number` only ever grows.
CREATE TABLE projects (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    next_item_number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at INTEGER,
    deleted_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key)
) STRICT;

CREATE TABLE work_items (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    item_type TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    priority TEXT NOT NULL,
    parent_id TEXT,
    assignee_id TEXT,
    external_id TEXT,
    job TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, project_id, number),
    CONSTRAINT fk_work_items_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id),
    CONSTRAINT fk_work_items_work_items FOREIGN KEY (tenant_id, parent_id)
        REFERENCES work_items (tenant_id, id)
) STRICT;
CREATE INDEX idx_work_items_project_id_status
    ON work_items (tenant_id, project_id, status, number)
    WHERE deleted_at IS NULL;
CREATE INDEX idx_work_items_updated_at
    ON work_items (tenant_id, updated_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX idx_work_items_parent_id
    ON work_items (tenant_id, parent_id, id)
    WHERE parent_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX idx_work_items_assignee_id
    ON work_items (tenant_id, assignee_id, id)
    WHERE assignee_id IS NOT NULL AND deleted_at IS NULL;
-- Deleted items count too: an import that is repeated must not bring them back.
CREATE UNIQUE INDEX idx_work_items_external_id
    ON work_items (tenant_id, project_id, external_id)
    WHERE external_id IS NOT NULL;

-- What changed on an item: one row for each field of each version.
CREATE TABLE activities (
    tenant_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    field TEXT NOT NULL,
    action TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    user_id TEXT,
    PRIMARY KEY (tenant_id, work_item_id, version, field),
    CONSTRAINT fk_activities_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id)
) STRICT, WITHOUT ROWID;
