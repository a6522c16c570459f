-- How large an item is, in the team's own measure; its days, as YYYY-MM-DD; and the ids of the
-- labels that it bears, parted by commas: what a list needs of labels comes with the item.
ALTER TABLE work_items ADD COLUMN points BIGINT;
ALTER TABLE work_items ADD COLUMN start_date TEXT COLLATE "C";
ALTER TABLE work_items ADD COLUMN due_date TEXT COLLATE "C";
ALTER TABLE work_items ADD COLUMN label_ids TEXT NOT NULL DEFAULT '';
CREATE INDEX idx_work_items_due_date
    ON work_items (tenant_id, due_date, id)
    WHERE due_date IS NOT NULL AND deleted_at IS NULL;

-- Labels of a project, or of all projects; `name_key` is the name as names are compared.
CREATE TABLE labels (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C",
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    color TEXT NOT NULL,
    description TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_labels_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);
CREATE UNIQUE INDEX idx_labels_name_key
    ON labels (tenant_id, name_key, COALESCE(project_id, ''))
    WHERE deleted_at IS NULL;

-- Which items bear a label; rows of deleted labels stay, so that they come back to their items.
CREATE TABLE item_labels (
    tenant_id TEXT COLLATE "C" NOT NULL,
    label_id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, label_id, work_item_id),
    CONSTRAINT fk_item_labels_labels FOREIGN KEY (tenant_id, label_id)
        REFERENCES labels (tenant_id, id),
    CONSTRAINT fk_item_labels_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id)
);

-- Who asked to hear of an item, or to hear no more of it; whoever made it, and who shall do it,
-- hear of it without a row.
CREATE TABLE watchers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('watching', 'muted')),
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, work_item_id, user_id),
    CONSTRAINT fk_watchers_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id)
);
