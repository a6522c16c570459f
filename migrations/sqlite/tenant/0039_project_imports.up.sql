-- Which projects came from which document: the same one makes no second project.
CREATE TABLE project_imports (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    imported_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id),
    CONSTRAINT fk_project_imports_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- Keys that items had in projects of the place that they were imported from. They name the item
-- where no project here has given the number to another one.
CREATE TABLE imported_keys (
    tenant_id TEXT NOT NULL,
    project_key TEXT NOT NULL,
    number INTEGER NOT NULL,
    work_item_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_key, number),
    CONSTRAINT fk_imported_keys_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_imported_keys_work_item_id ON imported_keys (tenant_id, work_item_id);

-- An export asks for the former keys of a page of items.
CREATE INDEX idx_former_keys_work_item_id ON former_keys (tenant_id, work_item_id);
