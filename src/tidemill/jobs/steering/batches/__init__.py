"""Many jobs in one request: all of them, or none."""
