"""Says what a job, or a due time, waits for."""
