-- The bytes of files, once for each digest; `name` is where what keeps them has them. Nothing uses
-- those with `unused_since`, and they go some time after it.
CREATE TABLE blobs (
    tenant_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    unused_since INTEGER,
    PRIMARY KEY (tenant_id, sha256)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX idx_blobs_name ON blobs (tenant_id, name);
CREATE INDEX idx_blobs_unused_since ON blobs (tenant_id, unused_since)
    WHERE unused_since IS NOT NULL;

-- How much all blobs of a tenant hold that anything uses.
CREATE TABLE blob_totals (
    tenant_id TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (tenant_id)
) STRICT, WITHOUT ROWID;

-- Files on work items. They never change; whatever removes an item for good takes its files along.
CREATE TABLE attachments (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_attachments_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_attachments_blobs FOREIGN KEY (tenant_id, sha256)
        REFERENCES blobs (tenant_id, sha256)
) STRICT;
CREATE INDEX idx_attachments_work_item_id ON attachments (tenant_id, work_item_id, id);
CREATE INDEX idx_attachments_sha256 ON attachments (tenant_id, sha256);
