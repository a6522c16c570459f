-- Columns, lanes and limits of a project's board, as JSON; without a row, nothing but the defaults.
-- Each change gives them another id.
CREATE TABLE board_settings (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    id TEXT NOT NULL,
    rules TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id),
    CONSTRAINT fk_board_settings_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT;

-- The settings whose limits writes must hold; null where there are none.
ALTER TABLE projects ADD COLUMN limits_id TEXT;

-- The first cards of a column, and how many it has.
CREATE INDEX idx_work_items_board
    ON work_items (tenant_id, project_id, status, rank)
    WHERE deleted_at IS NULL AND archived_at IS NULL;
