-- Named calendars: on which days schedules run; `rule` is JSON.
CREATE TABLE calendars (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    rule TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- When and after what something runs. `next_at` is the first due time without an occurrence,
-- `wake_at` is when the schedule has to be looked at again.
CREATE TABLE schedules (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    definition TEXT NOT NULL,
    calendar TEXT COLLATE "C" NOT NULL,
    owner TEXT NOT NULL,
    anchor_at BIGINT NOT NULL,
    next_at BIGINT,
    wake_at BIGINT,
    disabled_at BIGINT,
    paused_at BIGINT,
    paused_until BIGINT,
    failures BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, path)
);
CREATE INDEX idx_schedules_wake_at ON schedules (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX idx_schedules_tenant_id_calendar ON schedules (tenant_id, calendar);

-- Which schedule runs after which; `position` is the place in the definition.
CREATE TABLE schedule_dependencies (
    tenant_id TEXT COLLATE "C" NOT NULL,
    schedule_id TEXT COLLATE "C" NOT NULL,
    dependency_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, schedule_id, dependency_id)
);
CREATE INDEX idx_schedule_dependencies_tenant_id_dependency_id
    ON schedule_dependencies (tenant_id, dependency_id);

-- Due times. A row of kind `run` is one due time, and has one job at most; one of kind `gap`
-- stands for `dues` due times up to `through_at` that nobody started.
CREATE TABLE schedule_occurrences (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    schedule_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    through_at BIGINT NOT NULL,
    dues BIGINT NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    starts_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT,
    job_id TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, schedule_id, due_at, kind)
);
CREATE INDEX idx_schedule_occurrences_open
    ON schedule_occurrences (tenant_id, schedule_id, state, due_at)
    WHERE state IN ('pending', 'started');
CREATE INDEX idx_schedule_occurrences_started_at ON schedule_occurrences (started_at)
    WHERE state = 'started';
CREATE INDEX idx_schedule_occurrences_created_at ON schedule_occurrences (created_at);
