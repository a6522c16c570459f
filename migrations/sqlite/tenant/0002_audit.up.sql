-- The tenant's audit log: a chain in which each line hashes the one before it.
CREATE TABLE audit_lines (
    tenant_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    body TEXT,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant_id, seq),
    UNIQUE (tenant_id, id)
) STRICT;
CREATE INDEX idx_audit_lines_tenant_id_actor_id_seq ON audit_lines (tenant_id, actor_id, seq);
CREATE INDEX idx_audit_lines_tenant_id_action_seq ON audit_lines (tenant_id, action, seq);
CREATE INDEX idx_audit_lines_tenant_id_resource_seq ON audit_lines (tenant_id, resource, seq);

-- The last line of the chain; its row is the lock under which lines are added.
CREATE TABLE audit_heads (
    tenant_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
