"""One real use case on both databases, each way in which it could be run."""
