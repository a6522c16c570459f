-- Templates of work items, of one project or of all; root: the item and what comes below, as JSON.
CREATE TABLE item_templates (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT,
    root TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_item_templates_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_item_templates_name_key
    ON item_templates (tenant_id, name_key, COALESCE(project_id, ''));
