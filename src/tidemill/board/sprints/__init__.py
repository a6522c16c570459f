"""Sprints: a stretch of time, what shall be done in it, and its course from plan to end."""
