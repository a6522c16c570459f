-- The first cards of a column, and how many it has. What it includes are the fields by which boards
-- are cut into lanes: they are counted without a look at each item.
DROP INDEX idx_work_items_board;
CREATE INDEX idx_work_items_board
    ON work_items (tenant_id, project_id, status, rank)
    INCLUDE (id, assignee_id, priority, item_type, parent_id, sprint_id)
    WHERE deleted_at IS NULL AND archived_at IS NULL;
