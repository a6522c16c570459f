-- People. `email_key` is the address as it is compared; `security_version` rises when every
-- credential of the person must end, `profile_version` when tenants must hear of a new profile.
CREATE TABLE users (
    id TEXT COLLATE "C" PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT NOT NULL,
    avatar TEXT,
    time_zone TEXT NOT NULL DEFAULT 'UTC',
    visibility TEXT NOT NULL DEFAULT 'members' CHECK (
        visibility IN ('public', 'members', 'private')
    ),
    password_hash TEXT,
    password_changed_at BIGINT,
    security_version BIGINT NOT NULL DEFAULT 1,
    profile_version BIGINT NOT NULL DEFAULT 1,
    disabled_at BIGINT,
    last_login_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);

-- Who belongs to which tenant. `profile_version` is the profile that the tenant was told of;
-- 0 means that it has not heard of the member yet.
CREATE TABLE memberships (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    profile_version BIGINT NOT NULL DEFAULT 0,
    joined_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT fk_memberships_tenants FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_memberships_users FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX idx_memberships_user_id ON memberships (user_id, tenant_id);

-- Log-ins, one for each device. A browser holds a cookie, whose SHA-256 is `secret_hash`; others
-- hold access and refresh tokens.
CREATE TABLE sessions (
    id TEXT COLLATE "C" PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('browser', 'tokens')),
    secret_hash TEXT COLLATE "C" UNIQUE,
    address TEXT,
    user_agent TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_reason TEXT,
    CONSTRAINT fk_sessions_users FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX idx_sessions_user_id_id ON sessions (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);

-- The renewals of a session; all of a session are one family.
CREATE TABLE refresh_tokens (
    id TEXT COLLATE "C" PRIMARY KEY,
    session_id TEXT COLLATE "C" NOT NULL,
    secret_hash TEXT NOT NULL,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    CONSTRAINT fk_refresh_tokens_sessions FOREIGN KEY (session_id)
        REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX idx_refresh_tokens_session_id ON refresh_tokens (session_id);

-- Long-lived tokens. `prefix` is the part that finds a token, of the secret only the SHA-256 is
-- kept; `scopes` is a JSON array.
CREATE TABLE api_tokens (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    prefix TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_api_tokens_users FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX idx_api_tokens_tenant_id_user_id ON api_tokens (tenant_id, user_id, id);

-- Jobs whose tokens ended before their time: those of `epoch` and below.
CREATE TABLE ended_jobs (
    tenant_id TEXT COLLATE "C" NOT NULL,
    job_id TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
);
CREATE INDEX idx_ended_jobs_expires_at ON ended_jobs (expires_at);

-- Invitations to a tenant: `single_use` is bound to an address, `group` counts its uses.
CREATE TABLE invitations (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    prefix TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('single_use', 'group')),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    email TEXT,
    uses_max BIGINT NOT NULL,
    uses BIGINT NOT NULL DEFAULT 0,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_invitations_tenants FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CHECK (uses <= uses_max),
    CHECK (kind <> 'single_use' OR (email IS NOT NULL AND uses_max = 1))
);

CREATE TABLE invitation_uses (
    tenant_id TEXT COLLATE "C" NOT NULL,
    invitation_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, invitation_id, user_id),
    CONSTRAINT fk_invitation_uses_invitations FOREIGN KEY (tenant_id, invitation_id)
        REFERENCES invitations (tenant_id, id)
);

-- Links to choose a new password.
CREATE TABLE password_resets (
    id TEXT COLLATE "C" PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    CONSTRAINT fk_password_resets_users FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX idx_password_resets_user_id ON password_resets (user_id);

-- Wrong passwords, counted for an account or an address within a window of time.
CREATE TABLE login_failures (
    key TEXT COLLATE "C" PRIMARY KEY,
    failures BIGINT NOT NULL,
    window_ends_at BIGINT NOT NULL
);
CREATE INDEX idx_login_failures_window_ends_at ON login_failures (window_ends_at);

-- Addresses that a person has logged in from, which others cannot lock out.
CREATE TABLE known_addresses (
    user_id TEXT COLLATE "C" NOT NULL,
    address_hash TEXT COLLATE "C" NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, address_hash),
    CONSTRAINT fk_known_addresses_users FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX idx_known_addresses_last_seen_at ON known_addresses (last_seen_at);

-- Links that make the first owner.
CREATE TABLE setup_tickets (
    id TEXT COLLATE "C" PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- One row, once there is an owner: two set-ups at once cannot both succeed.
CREATE TABLE first_owners (
    slot BIGINT PRIMARY KEY CHECK (slot = 1),
    user_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_first_owners_users FOREIGN KEY (user_id) REFERENCES users (id)
);

-- Keys that sign access tokens under EdDSA; the private part is sealed with a key that is
-- derived from auth.jwt_secret.
CREATE TABLE signing_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    public_key TEXT NOT NULL,
    sealed_private_key TEXT NOT NULL,
    signs_from BIGINT NOT NULL,
    verifies_until BIGINT,
    created_at BIGINT NOT NULL
);

-- The tenant's stream hears of it once its store is there.
ALTER TABLE tenants ADD COLUMN created_by TEXT COLLATE "C";
ALTER TABLE tenants ADD COLUMN announced_at BIGINT;
