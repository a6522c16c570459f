ALTER TABLE concurrency_slots DROP COLUMN held;
ALTER TABLE job_specs DROP COLUMN own;
