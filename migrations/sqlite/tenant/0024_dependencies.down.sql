DROP TABLE dependencies;
DROP INDEX idx_work_items_parent_id;
CREATE INDEX idx_work_items_parent_id
    ON work_items (tenant_id, parent_id, id)
    WHERE parent_id IS NOT NULL AND deleted_at IS NULL;
