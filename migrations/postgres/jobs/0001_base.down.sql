DROP TABLE idempotency_keys;
DROP TABLE audit_outbox;
DROP TABLE outbox;
