-- The bytes of files, once for each digest; `name` is where what keeps them has them. Nothing uses
-- those with `unused_since`, and they go some time after it.
CREATE TABLE blobs (
    tenant_id TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    unused_since BIGINT,
    PRIMARY KEY (tenant_id, sha256)
);
CREATE UNIQUE INDEX idx_blobs_name ON blobs (tenant_id, name);
CREATE INDEX idx_blobs_unused_since ON blobs (tenant_id, unused_since)
    WHERE unused_since IS NOT NULL;

-- How much all blobs of a tenant hold that anything uses.
CREATE TABLE blob_totals (
    tenant_id TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);

-- Files on work items. They never change; whatever removes an item for good takes its files along.
CREATE TABLE attachments (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_attachments_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_attachments_blobs FOREIGN KEY (tenant_id, sha256)
        REFERENCES blobs (tenant_id, sha256)
);
CREATE INDEX idx_attachments_work_item_id ON attachments (tenant_id, work_item_id, id);
CREATE INDEX idx_attachments_sha256 ON attachments (tenant_id, sha256);
