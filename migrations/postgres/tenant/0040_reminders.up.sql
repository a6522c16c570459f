-- Who is reminded of which item, once for each day on which it is due: planned for `due_at` until it
-- was told. What was not worth telling any more counts as told.
CREATE TABLE reminders (
    tenant_id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    due_date TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    told_at BIGINT,
    PRIMARY KEY (tenant_id, work_item_id, user_id, due_date),
    CONSTRAINT fk_reminders_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX idx_reminders_due_date ON reminders (tenant_id, due_date);
