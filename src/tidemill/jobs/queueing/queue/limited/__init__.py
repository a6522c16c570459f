"""Jobs that something limits, on their way into the queue."""
