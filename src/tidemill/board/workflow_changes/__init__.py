"""Workflow changes: a project gets statuses and moves of its own, and its items follow."""
