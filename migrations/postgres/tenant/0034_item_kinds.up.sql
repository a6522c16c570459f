-- Kinds of work items that a tenant has beside the usual ones, and what it changed of those.
-- parents: a JSON list of the kinds under which one may hang. in_sprints: null where the setting
-- board.sprint_item_types says it.
CREATE TABLE item_kinds (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    icon TEXT,
    parents TEXT NOT NULL,
    top_level BIGINT NOT NULL,
    in_sprints BIGINT,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (tenant_id, key)
);

-- Each change of kinds gives all of them together another id; without a row, nothing but the usual.
CREATE TABLE item_kind_sets (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id)
);

-- The kinds that writes must know, as their set is called; null where there are the usual ones.
ALTER TABLE projects ADD COLUMN kinds_id TEXT COLLATE "C";
