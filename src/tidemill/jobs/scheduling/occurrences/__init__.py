"""The due times of schedules: each one is a row, and starts one job at most."""
