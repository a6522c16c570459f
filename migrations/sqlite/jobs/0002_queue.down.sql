DROP TABLE leaders;
DROP TABLE concurrency_slots;
DROP TABLE workers;
DROP TABLE ready_lanes;
DROP TABLE job_keys;
DROP TABLE job_history;
DROP TABLE jobs;
DROP TABLE job_specs;
