-- How long who worked on which item; instants are whole seconds. Where only the day is known,
-- `on_day` counts days since 1970, and `started_at` is the begin of that day in UTC.
CREATE TABLE time_entries (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    on_day BIGINT,
    description TEXT,
    source TEXT NOT NULL CHECK (source IN ('timer', 'manual', 'job')),
    job_id TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    CHECK (ended_at IS NULL OR ended_at >= started_at),
    CONSTRAINT fk_time_entries_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id),
    CONSTRAINT fk_time_entries_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);
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
    tenant_id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    jobs_booked_since BIGINT,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id),
    CONSTRAINT fk_time_settings_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);
