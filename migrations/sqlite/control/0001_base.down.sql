DROP TABLE idempotency_keys;
DROP TABLE audit_outbox;
DROP TABLE outbox;
DROP TABLE changes;
DROP TABLE tenant_wakeups;
DROP TABLE tenants;
