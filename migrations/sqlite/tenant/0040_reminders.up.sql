-- Who is reminded of which item, once for each day on which it is due: planned for `due_at` until it
-- was told. What was not worth telling any more counts as told.
CREATE TABLE reminders (
    tenant_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    due_date TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    told_at INTEGER,
    PRIMARY KEY (tenant_id, work_item_id, user_id, due_date),
    CONSTRAINT fk_reminders_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_reminders_due_date ON reminders (tenant_id, due_date);
