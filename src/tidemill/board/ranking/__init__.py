"""The order of a project's items."""
