DROP TABLE function_states;
DROP TABLE job_metrics;
DROP TABLE job_attempts;
