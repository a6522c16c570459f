"""Exports: the items of a project as a table, and what is due as a calendar."""
