"""Custom values: what items have in custom fields."""
