"""Mail of notifications: a durable queue, and what goes out of it."""
