-- Who belongs to the tenant, as lists show them; fed by the facts of identity.
CREATE TABLE people (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    avatar TEXT,
    state TEXT NOT NULL CHECK (state IN ('active', 'removed')),
    PRIMARY KEY (tenant_id, user_id)
);
