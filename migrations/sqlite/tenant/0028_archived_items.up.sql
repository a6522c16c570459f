-- Since when an item is archived: lists show it only to those who ask for it.
ALTER TABLE work_items ADD COLUMN archived_at INTEGER;
CREATE INDEX idx_work_items_archived_at
    ON work_items (tenant_id, id)
    WHERE archived_at IS NOT NULL;
