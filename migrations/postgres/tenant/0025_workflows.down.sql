-- Without workflows of its own a project has statuses of the default one alone: each item comes
-- into one that means what its own meant.
UPDATE work_items
SET status = CASE status_category
        WHEN 'backlog' THEN 'backlog'
        WHEN 'unstarted' THEN 'todo'
        WHEN 'started' THEN 'in_progress'
        WHEN 'done' THEN 'done'
        ELSE 'cancelled'
    END
WHERE status_category <> CASE status
        WHEN 'backlog' THEN 'backlog'
        WHEN 'todo' THEN 'unstarted'
        WHEN 'in_progress' THEN 'started'
        WHEN 'blocked' THEN 'started'
        WHEN 'review' THEN 'started'
        WHEN 'done' THEN 'done'
        WHEN 'cancelled' THEN 'cancelled'
        ELSE ''
    END;
DROP INDEX idx_work_items_status_category;
ALTER TABLE work_items DROP COLUMN status_category;
ALTER TABLE projects DROP COLUMN workflow_id;
DROP TABLE workflow_statuses;
DROP TABLE workflows;
