-- Which process runs a reaction for this tenant right now, and until when nobody else may.
CREATE TABLE follower_leases (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    held_until INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;

-- Facts that a reaction failed on again and again, set aside so that the next ones go on.
CREATE TABLE parked_facts (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    fact_id TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    parked_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name, seq)
) STRICT;
