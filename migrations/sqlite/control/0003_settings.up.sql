-- What was set at run time: of the installation, of a tenant, or (`user_id` not empty) of a user.
CREATE TABLE setting_values (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL DEFAULT '',
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, key)
) STRICT;
