"""Reads of work items."""
