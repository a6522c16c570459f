ALTER TABLE job_history DROP COLUMN affinity_key;
ALTER TABLE jobs DROP COLUMN affinity_key;
ALTER TABLE job_specs DROP COLUMN requires;
ALTER TABLE workers DROP COLUMN labels;
ALTER TABLE workers DROP COLUMN memory_mib;
ALTER TABLE workers DROP COLUMN cpu;
DROP TABLE worker_tags;
DROP TABLE tag_strategies;
