-- What a member shall hear of, one row for each work item; it gathers what happens until it is
-- read. `at` orders, `seq` is the number of the last fact. `reasons` are separated by blanks.
CREATE TABLE notifications (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    reasons TEXT NOT NULL,
    event_count BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    read_at BIGINT,
    archived_at BIGINT,
    snoozed_until BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX idx_notifications_user_id_work_item_id
    ON notifications (tenant_id, user_id, work_item_id);
CREATE INDEX idx_notifications_user_id_at ON notifications (tenant_id, user_id, at, id);
CREATE INDEX idx_notifications_unread ON notifications (tenant_id, user_id, at)
    WHERE read_at IS NULL AND archived_at IS NULL;
CREATE INDEX idx_notifications_at ON notifications (tenant_id, at);

-- What happened, once for each member, fact and item: a fact may tell of many items.
CREATE TABLE notification_events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    notification_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    fact_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL,
    actor_user_id TEXT COLLATE "C",
    comment_id TEXT COLLATE "C",
    field TEXT,
    old_value TEXT,
    new_value TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_notification_events_notifications FOREIGN KEY (tenant_id, notification_id)
        REFERENCES notifications (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_notification_events_user_id_fact_id
    ON notification_events (tenant_id, user_id, fact_id, work_item_id);
CREATE INDEX idx_notification_events_notification_id
    ON notification_events (tenant_id, notification_id, id);

-- What a member said of itself: a version for If-Match, and how it wants mail.
CREATE TABLE notification_profiles (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    digest_hour BIGINT,
    mail_stopped_at BIGINT,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

-- What differs from the tenant's defaults, by reason.
CREATE TABLE notification_preferences (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    inbox TEXT NOT NULL CHECK (inbox IN ('on', 'off')),
    mail TEXT NOT NULL CHECK (mail IN ('off', 'at_once', 'digest')),
    PRIMARY KEY (tenant_id, user_id, reason)
);

-- Projects of which a member wants to hear nothing.
CREATE TABLE notification_mutes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, project_id)
);

-- What has happened before there was an inbox lies in nobody's.
-- Its owner, too, sees no row of a table whose row-level security is forced.
DO $fill$
DECLARE
    is_forced BOOLEAN := (SELECT relforcerowsecurity FROM pg_class
                          WHERE oid = CAST('followers' AS REGCLASS));
BEGIN
    IF is_forced THEN
        ALTER TABLE followers NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE stream_heads NO FORCE ROW LEVEL SECURITY;
    END IF;
    INSERT INTO followers (tenant_id, name, seq)
    SELECT tenant_id, 'board.notifications', seq FROM stream_heads;
    IF is_forced THEN
        ALTER TABLE followers FORCE ROW LEVEL SECURITY;
        ALTER TABLE stream_heads FORCE ROW LEVEL SECURITY;
    END IF;
END $fill$;
