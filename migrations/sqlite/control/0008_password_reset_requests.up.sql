-- Requests for a link to choose a new password, until it is known whether they get one. Sealed:
-- whoever reads them would learn addresses of people who have no account here.
CREATE TABLE password_reset_requests (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX idx_password_reset_requests_created_at ON password_reset_requests (created_at);
