-- When a day ends in a project: for what is counted by days.
ALTER TABLE projects ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';

-- Sprints of a project; days as YYYY-MM-DD. `snapshot` is a sprint's report at its end, as JSON.
CREATE TABLE sprints (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    goal TEXT,
    start_date TEXT COLLATE "C" NOT NULL,
    end_date TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    snapshot TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_sprints_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);
CREATE INDEX idx_sprints_project_id_start_date
    ON sprints (tenant_id, project_id, start_date, id)
    WHERE deleted_at IS NULL;

ALTER TABLE work_items ADD COLUMN sprint_id TEXT COLLATE "C";
CREATE INDEX idx_work_items_sprint_id
    ON work_items (tenant_id, sprint_id, id)
    WHERE sprint_id IS NOT NULL AND deleted_at IS NULL;

-- What a sprint held and what of it was done: rows are only ever added, and add up.
CREATE TABLE sprint_scope_events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    sprint_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    scope_count BIGINT NOT NULL,
    scope_points BIGINT NOT NULL,
    done_count BIGINT NOT NULL,
    done_points BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, sprint_id, at, id),
    CONSTRAINT fk_sprint_scope_events_sprints FOREIGN KEY (tenant_id, sprint_id)
        REFERENCES sprints (tenant_id, id)
);
