-- Projects that a repository of git holds as files, too. `request` says what the next sync, or the
-- one under way, was asked for; `holder` does it until
-- `due_at`, when another one may begin again.
CREATE TABLE project_git_bindings (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    url TEXT NOT NULL,
    branch TEXT NOT NULL,
    directory TEXT NOT NULL,
    deletions TEXT NOT NULL CHECK (deletions IN ('archive', 'refuse')),
    username TEXT NOT NULL,
    secret TEXT,
    key_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('idle', 'waiting', 'running')),
    request TEXT,
    due_at INTEGER,
    holder TEXT,
    commit_id TEXT,
    synced_at INTEGER,
    report TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id),
    CONSTRAINT fk_project_git_bindings_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT;
CREATE INDEX idx_project_git_bindings_due_at ON project_git_bindings (tenant_id, due_at)
    WHERE due_at IS NOT NULL;

-- What the board and the repository said last of each item, by its id, and of each file of the
-- project itself, by its name. Without a path there is no file on purpose.
CREATE TABLE project_git_files (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    item_key TEXT NOT NULL,
    path TEXT,
    said TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id, name),
    CONSTRAINT fk_project_git_files_project_git_bindings FOREIGN KEY (tenant_id, project_id)
        REFERENCES project_git_bindings (tenant_id, project_id)
) STRICT;
