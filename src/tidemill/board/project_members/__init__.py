"""Who was made what in a project."""
