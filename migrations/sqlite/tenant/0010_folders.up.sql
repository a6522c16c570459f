-- Folders: who may do what with things at f/NAME/…; what lies in no folder is open to all roles.
CREATE TABLE folders (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;

-- What members and roles may do in a folder; `who` is user:ID or role:NAME.
CREATE TABLE folder_grants (
    tenant_id TEXT NOT NULL,
    folder TEXT NOT NULL,
    who TEXT NOT NULL,
    level TEXT NOT NULL,
    PRIMARY KEY (tenant_id, folder, who),
    CONSTRAINT fk_folder_grants_folders
        FOREIGN KEY (tenant_id, folder) REFERENCES folders (tenant_id, name) ON DELETE CASCADE
) STRICT;

-- How far a version's jobs are kept apart where they do not say: sandbox, or warm.
ALTER TABLE script_versions ADD COLUMN isolation TEXT;
