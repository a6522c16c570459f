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

-- What somebody shall be reminded of, by its day: those who look for the next one pass over nothing else.
CREATE INDEX idx_work_items_due_date_assigned ON work_items (tenant_id, due_date, id)
    WHERE due_date IS NOT NULL AND assignee_id IS NOT NULL AND deleted_at IS NULL
        AND archived_at IS NULL AND status_category NOT IN ('cancelled', 'done');
