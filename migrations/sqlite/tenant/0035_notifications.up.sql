-- What a member shall hear of, one row for each work item; it gathers what happens until it is
-- read. `at` orders, `seq` is the number of the last fact. `reasons` are separated by blanks.
CREATE TABLE notifications (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    reasons TEXT NOT NULL,
    event_count INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    read_at INTEGER,
    archived_at INTEGER,
    snoozed_until INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_notifications_user_id_work_item_id
    ON notifications (tenant_id, user_id, work_item_id);
CREATE INDEX idx_notifications_user_id_at ON notifications (tenant_id, user_id, at, id);
CREATE INDEX idx_notifications_unread ON notifications (tenant_id, user_id, at)
    WHERE read_at IS NULL AND archived_at IS NULL;
CREATE INDEX idx_notifications_at ON notifications (tenant_id, at);

-- What happened, once for each member, fact and item: a fact may tell of many items.
CREATE TABLE notification_events (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    notification_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    fact_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_user_id TEXT,
    comment_id TEXT,
    field TEXT,
    old_value TEXT,
    new_value TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_notification_events_notifications FOREIGN KEY (tenant_id, notification_id)
        REFERENCES notifications (tenant_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX idx_notification_events_user_id_fact_id
    ON notification_events (tenant_id, user_id, fact_id, work_item_id);
CREATE INDEX idx_notification_events_notification_id
    ON notification_events (tenant_id, notification_id, id);

-- What a member said of itself: a version for If-Match, and how it wants mail.
CREATE TABLE notification_profiles (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    digest_hour INTEGER,
    mail_stopped_at INTEGER,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

-- What differs from the tenant's defaults, by reason.
CREATE TABLE notification_preferences (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    inbox TEXT NOT NULL CHECK (inbox IN ('on', 'off')),
    mail TEXT NOT NULL CHECK (mail IN ('off', 'at_once', 'digest')),
    PRIMARY KEY (tenant_id, user_id, reason)
) STRICT, WITHOUT ROWID;

-- Projects of which a member wants to hear nothing.
CREATE TABLE notification_mutes (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, project_id)
) STRICT, WITHOUT ROWID;

-- What has happened before there was an inbox lies in nobody's.
INSERT INTO followers (tenant_id, name, seq)
SELECT tenant_id, 'board.notifications', seq FROM stream_heads;
