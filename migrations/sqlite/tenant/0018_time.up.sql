-- How long who worked on which item; instants are whole seconds. Where only the day is known,
-- `on_day` counts days since 1970, and `started_at` is the begin of that day in UTC.
CREATE TABLE time_entries (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    on_day INTEGER,
    description TEXT,
    source TEXT NOT NULL CHECK (source IN ('timer', 'manual', 'job')),
    job_id TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    CHECK (ended_at IS NULL OR ended_at >= started_at),
    CONSTRAINT fk_time_entries_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id),
    CONSTRAINT fk_time_entries_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT;
-- A person has one timer that runs, however many are started at once.
CREATE UNIQUE INDEX idx_time_entries_running
    ON time_entries (tenant_id, user_id)
    WHERE ended_at IS NULL AND deleted_at IS NULL;
-- Deleted entries count too: the time of a job is booked once.
CREATE UNIQUE INDEX idx_time_entries_job_id
    ON time_entries (tenant_id, job_id)
    WHERE job_id IS NOT NULL;
CREATE INDEX idx_time_entries_started_at
    ON time_entries (tenant_id, started_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX idx_time_entries_user_id
    ON time_entries (tenant_id, user_id, started_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX idx_time_entries_project_id
    ON time_entries (tenant_id, project_id, started_at, id)
    WHERE deleted_at IS NULL;
-- With the end, so that what was spent on an item is summed up without its rows.
CREATE INDEX idx_time_entries_work_item_id
    ON time_entries (tenant_id, work_item_id, started_at, id, ended_at)
    WHERE deleted_at IS NULL;

-- What holds for the time of a project; without a row, nothing but the defaults.
CREATE TABLE time_settings (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    jobs_booked_since INTEGER,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id),
    CONSTRAINT fk_time_settings_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT;
