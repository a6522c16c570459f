-- Scripts by path; `head` is the number of the version that runs.
CREATE TABLE scripts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    head BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, path)
);

-- Contents by their SHA-256, kept once however many versions use them.
CREATE TABLE script_contents (
    tenant_id TEXT COLLATE "C" NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (tenant_id, content_hash)
);

-- Versions never change; `parent_hash` is the content of the version before.
CREATE TABLE script_versions (
    tenant_id TEXT COLLATE "C" NOT NULL,
    script_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    parent_hash TEXT COLLATE "C",
    schema TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, script_id, number),
    CONSTRAINT fk_script_versions_scripts
        FOREIGN KEY (tenant_id, script_id) REFERENCES scripts (tenant_id, id),
    CONSTRAINT fk_script_versions_script_contents
        FOREIGN KEY (tenant_id, content_hash) REFERENCES script_contents (tenant_id, content_hash)
);
CREATE INDEX idx_script_versions_tenant_id_content_hash
    ON script_versions (tenant_id, content_hash);
