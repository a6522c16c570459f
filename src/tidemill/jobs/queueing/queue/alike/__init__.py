"""Many jobs that differ in their arguments only, on their way into the queue."""
