-- What joins two items: the first blocks, relates to or duplicates the second. Links of deleted
-- items stay and count, so that an item that comes back closes no cycle.
CREATE TABLE dependencies (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    dependency_type TEXT NOT NULL,
    blocking_item_id TEXT NOT NULL,
    blocked_item_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_dependencies_work_items_blocking FOREIGN KEY (tenant_id, blocking_item_id)
        REFERENCES work_items (tenant_id, id),
    CONSTRAINT fk_dependencies_work_items_blocked FOREIGN KEY (tenant_id, blocked_item_id)
        REFERENCES work_items (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_dependencies_blocking_item_id
    ON dependencies (tenant_id, blocking_item_id, dependency_type, blocked_item_id);
CREATE INDEX idx_dependencies_blocked_item_id
    ON dependencies (tenant_id, blocked_item_id, dependency_type, blocking_item_id);
-- Two items relate to each other once, whichever stands first. That two block each other is a
-- cycle, and is told as such.
CREATE UNIQUE INDEX idx_dependencies_pair ON dependencies (
    tenant_id,
    dependency_type,
    (CASE WHEN blocking_item_id < blocked_item_id THEN blocking_item_id ELSE blocked_item_id END),
    (CASE WHEN blocking_item_id < blocked_item_id THEN blocked_item_id ELSE blocking_item_id END)
) WHERE dependency_type <> 'blocks';
-- A search for cycles goes through deleted children, too.
DROP INDEX idx_work_items_parent_id;
CREATE INDEX idx_work_items_parent_id
    ON work_items (tenant_id, parent_id, id)
    WHERE parent_id IS NOT NULL;
