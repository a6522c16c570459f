"""Guarding: what a workflow asks of an item before it may take another status."""
