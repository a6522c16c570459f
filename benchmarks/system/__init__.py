"""The whole installation: start, memory, idling, jobs, and reads while jobs run."""
