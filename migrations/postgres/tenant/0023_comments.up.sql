-- What people say about an item. A reply stands in the thread of the comment that it answers:
-- `place` is the id of a thread's first comment, and for replies their own id behind it.
CREATE TABLE comments (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    parent_id TEXT COLLATE "C",
    place TEXT COLLATE "C" NOT NULL,
    content TEXT NOT NULL,
    content_html TEXT NOT NULL,
    renderer BIGINT NOT NULL,
    mentions TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_comments_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id),
    CONSTRAINT fk_comments_comments FOREIGN KEY (tenant_id, parent_id)
        REFERENCES comments (tenant_id, id)
);
CREATE UNIQUE INDEX idx_comments_place ON comments (tenant_id, work_item_id, place);
CREATE INDEX idx_comments_work_item_id ON comments (tenant_id, work_item_id, id);
CREATE INDEX idx_comments_parent_id ON comments (tenant_id, parent_id)
    WHERE parent_id IS NOT NULL AND deleted_at IS NULL;

-- The texts that comments had before they were edited.
CREATE TABLE comment_revisions (
    tenant_id TEXT COLLATE "C" NOT NULL,
    comment_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    content TEXT NOT NULL,
    at BIGINT NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, comment_id, version),
    CONSTRAINT fk_comment_revisions_comments FOREIGN KEY (tenant_id, comment_id)
        REFERENCES comments (tenant_id, id)
);

CREATE TABLE comment_reactions (
    tenant_id TEXT COLLATE "C" NOT NULL,
    comment_id TEXT COLLATE "C" NOT NULL,
    emoji TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, comment_id, emoji, user_id),
    CONSTRAINT fk_comment_reactions_comments FOREIGN KEY (tenant_id, comment_id)
        REFERENCES comments (tenant_id, id)
);

-- What members can be mentioned by: 0 is the id, 1 the name and 2 its first word. Facts of
-- identity keep it; those who are members already have theirs at once, as far as SQL can fold names.
CREATE TABLE handles (
    tenant_id TEXT COLLATE "C" NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    kind BIGINT NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, handle, user_id)
);
CREATE INDEX idx_handles_user_id ON handles (tenant_id, user_id);
-- Its owner, too, sees no row of a table whose row-level security is forced.
DO $fill$
DECLARE
    is_forced BOOLEAN := (SELECT relforcerowsecurity FROM pg_class
                          WHERE oid = CAST('people' AS REGCLASS));
BEGIN
    IF is_forced THEN
        ALTER TABLE people NO FORCE ROW LEVEL SECURITY;
    END IF;
    INSERT INTO handles (tenant_id, handle, kind, user_id)
    SELECT tenant_id, replace(lower(user_id), '-', ''), 0, user_id FROM people WHERE state = 'active';
    INSERT INTO handles (tenant_id, handle, kind, user_id)
    SELECT tenant_id, lower(replace(replace(replace(name, ' ', ''), '.', ''), '-', '')), 1, user_id
    FROM people WHERE state = 'active'
    ON CONFLICT DO NOTHING;
    INSERT INTO handles (tenant_id, handle, kind, user_id)
    SELECT tenant_id, lower(replace(replace(split_part(name, ' ', 1), '.', ''), '-', '')), 2, user_id
    FROM people WHERE state = 'active'
    ON CONFLICT DO NOTHING;
    IF is_forced THEN
        ALTER TABLE people FORCE ROW LEVEL SECURITY;
    END IF;
END $fill$;

-- What happens to comments makes no version of the item: within one, the latest comes first.
CREATE INDEX idx_activities_version
    ON activities (tenant_id, work_item_id, version DESC, at DESC, field);
