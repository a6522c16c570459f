-- Statuses and moves of projects that have their own; the others have those of
-- board/workflows/models.py, and no rows here. Each change gives a workflow another id, which its
-- project names: what was read under one id stays true.
CREATE TABLE workflows (
    tenant_id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    initial TEXT COLLATE "C" NOT NULL,
    transitions TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id),
    CONSTRAINT fk_workflows_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);

-- Statuses that were removed stay, since the history of items names them; `name_key` is the name
-- as names are compared.
CREATE TABLE workflow_statuses (
    tenant_id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    color TEXT,
    position BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (tenant_id, project_id, key),
    CONSTRAINT fk_workflow_statuses_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);
CREATE INDEX idx_workflow_statuses_key ON workflow_statuses (tenant_id, key)
    WHERE removed_at IS NULL;
CREATE INDEX idx_workflow_statuses_name_key ON workflow_statuses (tenant_id, name_key)
    WHERE removed_at IS NULL;

ALTER TABLE projects ADD COLUMN workflow_id TEXT COLLATE "C";

-- What an item's status means, so that a statement need not know the statuses of a project.
ALTER TABLE work_items ADD COLUMN status_category TEXT COLLATE "C" NOT NULL DEFAULT 'unstarted';
UPDATE work_items
SET status_category = CASE
        WHEN status = 'backlog' THEN 'backlog'
        WHEN status IN ('in_progress', 'blocked', 'review') THEN 'started'
        WHEN status = 'done' THEN 'done'
        ELSE 'cancelled'
    END
WHERE status IN ('backlog', 'in_progress', 'blocked', 'review', 'done', 'cancelled');
CREATE INDEX idx_work_items_status_category
    ON work_items (tenant_id, project_id, status_category, number)
    WHERE deleted_at IS NULL;
