DROP FUNCTION drop_job_history_day(BIGINT, BIGINT);
DROP FUNCTION make_job_history_day(BIGINT);
DROP TABLE leaders;
DROP TABLE concurrency_slots;
DROP TABLE workers;
DROP TABLE ready_lanes;
DROP TABLE job_keys;
DROP TABLE job_history;
DROP TABLE jobs;
