"""Changes many jobs, a portion in each transaction."""
