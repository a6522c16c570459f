-- People. `email_key` is the address as it is compared; `security_version` rises when every
-- credential of the person must end, `profile_version` when tenants must hear of a new profile.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    avatar TEXT,
    time_zone TEXT NOT NULL DEFAULT 'UTC',
    visibility TEXT NOT NULL DEFAULT 'members' CHECK (
        visibility IN ('public', 'members', 'private')
    ),
    password_hash TEXT,
    password_changed_at INTEGER,
    security_version INTEGER NOT NULL DEFAULT 1,
    profile_version INTEGER NOT NULL DEFAULT 1,
    disabled_at INTEGER,
    last_login_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Who belongs to which tenant. `profile_version` is the profile that the tenant was told of;
-- 0 means that it has not heard of the member yet.
CREATE TABLE memberships (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    profile_version INTEGER NOT NULL DEFAULT 0,
    joined_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT fk_memberships_tenants FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_memberships_users FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;
CREATE INDEX idx_memberships_user_id ON memberships (user_id, tenant_id);

-- Log-ins, one for each device. A browser holds a cookie, whose SHA-256 is `secret_hash`; others
-- hold access and refresh tokens.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('browser', 'tokens')),
    secret_hash TEXT UNIQUE,
    address TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_reason TEXT,
    CONSTRAINT fk_sessions_users FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;
CREATE INDEX idx_sessions_user_id_id ON sessions (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);

-- The renewals of a session; all of a session are one family.
CREATE TABLE refresh_tokens (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT fk_refresh_tokens_sessions FOREIGN KEY (session_id)
        REFERENCES sessions (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX idx_refresh_tokens_session_id ON refresh_tokens (session_id);

-- Long-lived tokens. `prefix` is the part that finds a token, of the secret only the SHA-256 is
-- kept; `scopes` is a JSON array.
CREATE TABLE api_tokens (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_api_tokens_users FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;
CREATE INDEX idx_api_tokens_tenant_id_user_id ON api_tokens (tenant_id, user_id, id);

-- Jobs whose tokens ended before their time: those of `epoch` and below.
CREATE TABLE ended_jobs (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
) STRICT;
CREATE INDEX idx_ended_jobs_expires_at ON ended_jobs (expires_at);

-- Invitations to a tenant: `single_use` is bound to an address, `group` counts its uses.
CREATE TABLE invitations (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('single_use', 'group')),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    email TEXT,
    uses_max INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_invitations_tenants FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CHECK (uses <= uses_max),
    CHECK (kind <> 'single_use' OR (email IS NOT NULL AND uses_max = 1))
) STRICT;

CREATE TABLE invitation_uses (
    tenant_id TEXT NOT NULL,
    invitation_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, invitation_id, user_id),
    CONSTRAINT fk_invitation_uses_invitations FOREIGN KEY (tenant_id, invitation_id)
        REFERENCES invitations (tenant_id, id)
) STRICT;

-- Links to choose a new password.
CREATE TABLE password_resets (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT fk_password_resets_users FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;
CREATE INDEX idx_password_resets_user_id ON password_resets (user_id);

-- Wrong passwords, counted for an account or an address within a window of time.
CREATE TABLE login_failures (
    key TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    window_ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idx_login_failures_window_ends_at ON login_failures (window_ends_at);

-- Addresses that a person has logged in from, which others cannot lock out.
CREATE TABLE known_addresses (
    user_id TEXT NOT NULL,
    address_hash TEXT NOT NULL,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, address_hash),
    CONSTRAINT fk_known_addresses_users FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;
CREATE INDEX idx_known_addresses_last_seen_at ON known_addresses (last_seen_at);

-- Links that make the first owner.
CREATE TABLE setup_tickets (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

-- One row, once there is an owner: two set-ups at once cannot both succeed.
CREATE TABLE first_owners (
    slot INTEGER PRIMARY KEY CHECK (slot = 1),
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT fk_first_owners_users FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;

-- Keys that sign access tokens under EdDSA; the private part is sealed with a key that is
-- derived from auth.jwt_secret.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    public_key TEXT NOT NULL,
    sealed_private_key TEXT NOT NULL,
    signs_from INTEGER NOT NULL,
    verifies_until INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

-- The tenant's stream hears of it once its store is there.
ALTER TABLE tenants ADD COLUMN created_by TEXT;
ALTER TABLE tenants ADD COLUMN announced_at INTEGER;
