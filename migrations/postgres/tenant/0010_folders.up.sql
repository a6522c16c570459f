-- Folders: who may do what with things at f/NAME/…; what lies in no folder is open to all roles.
CREATE TABLE folders (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- What members and roles may do in a folder; `who` is user:ID or role:NAME.
CREATE TABLE folder_grants (
    tenant_id TEXT COLLATE "C" NOT NULL,
    folder TEXT COLLATE "C" NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    level TEXT NOT NULL,
    PRIMARY KEY (tenant_id, folder, who),
    CONSTRAINT fk_folder_grants_folders
        FOREIGN KEY (tenant_id, folder) REFERENCES folders (tenant_id, name) ON DELETE CASCADE
);

-- How far a version's jobs are kept apart where they do not say: sandbox, or warm.
ALTER TABLE script_versions ADD COLUMN isolation TEXT;
