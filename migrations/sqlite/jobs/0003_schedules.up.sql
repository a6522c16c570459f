-- Named calendars: on which days schedules run; `rule` is JSON.
CREATE TABLE calendars (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    rule TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;

-- When and after what something runs. `next_at` is the first due time without an occurrence,
-- `wake_at` is when the schedule has to be looked at again.
CREATE TABLE schedules (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    definition TEXT NOT NULL,
    calendar TEXT NOT NULL,
    owner TEXT NOT NULL,
    anchor_at INTEGER NOT NULL,
    next_at INTEGER,
    wake_at INTEGER,
    disabled_at INTEGER,
    paused_at INTEGER,
    paused_until INTEGER,
    failures INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, path)
) STRICT;
CREATE INDEX idx_schedules_wake_at ON schedules (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX idx_schedules_tenant_id_calendar ON schedules (tenant_id, calendar);

-- Which schedule runs after which; `position` is the place in the definition.
CREATE TABLE schedule_dependencies (
    tenant_id TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    dependency_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, schedule_id, dependency_id)
) STRICT;
CREATE INDEX idx_schedule_dependencies_tenant_id_dependency_id
    ON schedule_dependencies (tenant_id, dependency_id);

-- Due times. A row of kind `run` is one due time, and has one job at most; one of kind `gap`
-- stands for `dues` due times up to `through_at` that nobody started.
CREATE TABLE schedule_occurrences (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    through_at INTEGER NOT NULL,
    dues INTEGER NOT NULL,
    origin TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    job_id TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, schedule_id, due_at, kind)
) STRICT;
CREATE INDEX idx_schedule_occurrences_open
    ON schedule_occurrences (tenant_id, schedule_id, state, due_at)
    WHERE state IN ('pending', 'started');
CREATE INDEX idx_schedule_occurrences_started_at ON schedule_occurrences (started_at)
    WHERE state = 'started';
CREATE INDEX idx_schedule_occurrences_created_at ON schedule_occurrences (created_at);
