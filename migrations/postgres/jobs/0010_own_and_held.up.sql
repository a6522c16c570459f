-- What a request said itself, as JSON, where the script or function that it runs says something too;
-- null where all that a job has is the request's own. With a new version only this is kept.
ALTER TABLE job_specs ADD COLUMN own TEXT;

-- How many jobs of a key have a slot, so that one is handed on without counting those that are held.
-- It changes in the transaction that changes slot_at; the rows of jobs are the truth.
ALTER TABLE concurrency_slots ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
UPDATE concurrency_slots SET held = (
    SELECT COUNT(*) FROM jobs
    WHERE jobs.tenant_id = concurrency_slots.tenant_id
        AND jobs.concurrency_key = concurrency_slots.key AND jobs.slot_at IS NOT NULL);
