DROP INDEX idx_work_items_board;
CREATE INDEX idx_work_items_board
    ON work_items (tenant_id, project_id, status, rank)
    WHERE deleted_at IS NULL AND archived_at IS NULL;
