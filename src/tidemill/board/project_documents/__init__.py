"""Project documents: all that a project holds, as one JSON document."""
