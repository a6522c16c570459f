"""From the outboxes to the streams, and from the streams to the bus."""
