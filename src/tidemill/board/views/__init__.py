"""Filters that people keep under a name."""
