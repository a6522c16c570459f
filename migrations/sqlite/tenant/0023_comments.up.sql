-- What people say about an item. A reply stands in the thread of the comment that it answers:
-- `place` is the id of a thread's first comment, and for replies their own id behind it.
CREATE TABLE comments (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    parent_id TEXT,
    place TEXT NOT NULL,
    content TEXT NOT NULL,
    content_html TEXT NOT NULL,
    renderer INTEGER NOT NULL,
    mentions TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_comments_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id),
    CONSTRAINT fk_comments_comments FOREIGN KEY (tenant_id, parent_id)
        REFERENCES comments (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_comments_place ON comments (tenant_id, work_item_id, place);
CREATE INDEX idx_comments_work_item_id ON comments (tenant_id, work_item_id, id);
CREATE INDEX idx_comments_parent_id ON comments (tenant_id, parent_id)
    WHERE parent_id IS NOT NULL AND deleted_at IS NULL;

-- The texts that comments had before they were edited.
CREATE TABLE comment_revisions (
    tenant_id TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    content TEXT NOT NULL,
    at INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, comment_id, version),
    CONSTRAINT fk_comment_revisions_comments FOREIGN KEY (tenant_id, comment_id)
        REFERENCES comments (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE comment_reactions (
    tenant_id TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    emoji TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, comment_id, emoji, user_id),
    CONSTRAINT fk_comment_reactions_comments FOREIGN KEY (tenant_id, comment_id)
        REFERENCES comments (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- What members can be mentioned by: 0 is the id, 1 the name and 2 its first word. Facts of
-- identity keep it; those who are members already have theirs at once, as far as SQL can fold names.
CREATE TABLE handles (
    tenant_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    kind INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, handle, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_handles_user_id ON handles (tenant_id, user_id);
INSERT INTO handles (tenant_id, handle, kind, user_id)
SELECT tenant_id, replace(lower(user_id), '-', ''), 0, user_id FROM people WHERE state = 'active';
INSERT INTO handles (tenant_id, handle, kind, user_id)
SELECT tenant_id, lower(replace(replace(replace(name, ' ', ''), '.', ''), '-', '')), 1, user_id
FROM people WHERE state = 'active'
ON CONFLICT DO NOTHING;
INSERT INTO handles (tenant_id, handle, kind, user_id)
SELECT tenant_id, lower(replace(replace(substr(name, 1, instr(name || ' ', ' ') - 1), '.', ''), '-', '')), 2, user_id
FROM people WHERE state = 'active'
ON CONFLICT DO NOTHING;

-- What happens to comments makes no version of the item: within one, the latest comes first.
CREATE INDEX idx_activities_version
    ON activities (tenant_id, work_item_id, version DESC, at DESC, field);
