"""Boards: the items of a project by status."""
