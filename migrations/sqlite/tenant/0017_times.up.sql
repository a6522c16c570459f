-- Since when an item is being worked on, and since when it is done or cancelled: the rules are in
-- board/workflows/models.py. For items that are there already their activities tell.
ALTER TABLE work_items ADD COLUMN started_at INTEGER;
ALTER TABLE work_items ADD COLUMN completed_at INTEGER;
UPDATE work_items
SET started_at = COALESCE(
        (
            SELECT MIN(a.at) FROM activities AS a
            WHERE a.tenant_id = work_items.tenant_id AND a.work_item_id = work_items.id
                AND a.field = 'status' AND a.new_value IN ('in_progress', 'blocked', 'review')
                AND a.version > COALESCE(
                    (
                        SELECT MAX(b.version) FROM activities AS b
                        WHERE b.tenant_id = work_items.tenant_id
                            AND b.work_item_id = work_items.id
                            AND b.field = 'status' AND b.new_value IN ('backlog', 'todo')
                    ),
                    0
                )
        ),
        CASE WHEN status IN ('in_progress', 'blocked', 'review') THEN created_at END
    )
WHERE status NOT IN ('backlog', 'todo');
UPDATE work_items
SET completed_at = COALESCE(
        (
            SELECT MIN(a.at) FROM activities AS a
            WHERE a.tenant_id = work_items.tenant_id AND a.work_item_id = work_items.id
                AND a.field = 'status' AND a.new_value IN ('done', 'cancelled')
                AND a.version > COALESCE(
                    (
                        SELECT MAX(b.version) FROM activities AS b
                        WHERE b.tenant_id = work_items.tenant_id
                            AND b.work_item_id = work_items.id
                            AND b.field = 'status'
                            AND b.new_value NOT IN ('done', 'cancelled')
                    ),
                    0
                )
        ),
        created_at
    )
WHERE status IN ('done', 'cancelled');
