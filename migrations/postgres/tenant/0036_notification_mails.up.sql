-- Mail of notifications, as long as it waits and for a while after. `due_at` is when somebody
-- shall look at it next; while one process sends it, when its lease ends. Of a digest the
-- notification is empty.
CREATE TABLE notification_mails (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('at_once', 'digest')),
    notification_id TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('gathering', 'sending', 'sent', 'dropped', 'failed')),
    due_at BIGINT,
    attempts BIGINT NOT NULL,
    holder TEXT COLLATE "C",
    error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX idx_notification_mails_gathering
    ON notification_mails (tenant_id, user_id, kind, notification_id)
    WHERE state = 'gathering';
CREATE INDEX idx_notification_mails_due_at ON notification_mails (tenant_id, due_at, id)
    WHERE due_at IS NOT NULL;
CREATE INDEX idx_notification_mails_finished_at ON notification_mails (tenant_id, finished_at)
    WHERE finished_at IS NOT NULL;

-- What each of them tells.
CREATE TABLE notification_mail_events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    mail_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, mail_id, event_id),
    CONSTRAINT fk_notification_mail_events_notification_mails FOREIGN KEY (tenant_id, mail_id)
        REFERENCES notification_mails (tenant_id, id) ON DELETE CASCADE
);

-- What signs the links by which a member unsubscribes.
CREATE TABLE notification_mail_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
