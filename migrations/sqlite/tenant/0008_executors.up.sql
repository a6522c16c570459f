-- What a version needs besides its text: `lock_hash` is the content that names every package with
-- its hash, `imports` the contents of other scripts that it was deployed with, by their path.
ALTER TABLE script_versions ADD COLUMN lock_hash TEXT;
ALTER TABLE script_versions ADD COLUMN imports TEXT NOT NULL DEFAULT '{}';

-- What a script keeps from one run to the next; `value` is JSON.
CREATE TABLE script_states (
    tenant_id TEXT NOT NULL,
    path TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, path)
) STRICT;
