-- Keys that items had in projects that they left: numbers are never given twice, and go on naming
-- the item wherever it is.
CREATE TABLE former_keys (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    work_item_id TEXT NOT NULL,
    retired_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, project_id, number),
    CONSTRAINT fk_former_keys_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id),
    CONSTRAINT fk_former_keys_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id)
) STRICT, WITHOUT ROWID;
