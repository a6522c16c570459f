"""A job as a stream of events, from its first line to its result."""
