DROP TABLE idempotency_keys;
DROP TABLE audit_outbox;
DROP TABLE followers;
DROP TABLE stream_heads;
DROP TABLE stream;
