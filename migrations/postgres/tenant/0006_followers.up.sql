-- Which process runs a reaction for this tenant right now, and until when nobody else may.
CREATE TABLE follower_leases (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    held_until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Facts that a reaction failed on again and again, set aside so that the next ones go on.
CREATE TABLE parked_facts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    fact_id TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT NOT NULL,
    parked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name, seq)
);
