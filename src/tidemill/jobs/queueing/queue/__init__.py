"""The queue: jobs from their request to their end."""
