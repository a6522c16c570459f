"""Each tenant's chain of audit lines."""
