"""The worker protocol over queues at a broker."""
