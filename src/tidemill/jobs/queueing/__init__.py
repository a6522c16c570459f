"""The queue: jobs from their request to their end, and the order in which they go."""
