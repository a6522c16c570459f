-- Kinds of work items that a tenant has beside the usual ones, and what it changed of those.
-- parents: a JSON list of the kinds under which one may hang. in_sprints: null where the setting
-- board.sprint_item_types says it.
CREATE TABLE item_kinds (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    icon TEXT,
    parents TEXT NOT NULL,
    top_level INTEGER NOT NULL,
    in_sprints INTEGER,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    retired_at INTEGER,
    PRIMARY KEY (tenant_id, key)
) STRICT;

-- Each change of kinds gives all of them together another id; without a row, nothing but the usual.
CREATE TABLE item_kind_sets (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (tenant_id)
) STRICT;

-- The kinds that writes must know, as their set is called; null where there are the usual ones.
ALTER TABLE projects ADD COLUMN kinds_id TEXT;
