"""Filters of work items for features above the board."""
