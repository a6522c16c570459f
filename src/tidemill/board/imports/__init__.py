"""Imports: a CSV backlog becomes work items, or a report says why not."""
