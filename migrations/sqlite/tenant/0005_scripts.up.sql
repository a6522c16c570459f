-- Scripts by path; `head` is the number of the version that runs.
CREATE TABLE scripts (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    head INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, path)
) STRICT;

-- Contents by their SHA-256, kept once however many versions use them.
CREATE TABLE script_contents (
    tenant_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (tenant_id, content_hash)
) STRICT;

-- Versions never change; `parent_hash` is the content of the version before.
CREATE TABLE script_versions (
    tenant_id TEXT NOT NULL,
    script_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    language TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    parent_hash TEXT,
    schema TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, script_id, number),
    CONSTRAINT fk_script_versions_scripts
        FOREIGN KEY (tenant_id, script_id) REFERENCES scripts (tenant_id, id),
    CONSTRAINT fk_script_versions_script_contents
        FOREIGN KEY (tenant_id, content_hash) REFERENCES script_contents (tenant_id, content_hash)
) STRICT;
CREATE INDEX idx_script_versions_tenant_id_content_hash
    ON script_versions (tenant_id, content_hash);
