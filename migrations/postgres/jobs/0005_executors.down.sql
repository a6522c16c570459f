DROP TABLE job_progress_notes;
