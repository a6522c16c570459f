"""Jobs that stand for others of the same key."""
