-- Lists of what a status means in all projects.
CREATE INDEX idx_work_items_status_category_id ON work_items (tenant_id, status_category, id)
    WHERE deleted_at IS NULL;
