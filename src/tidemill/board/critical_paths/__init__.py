"""Critical paths: the heaviest chain of unfinished items in a project."""
