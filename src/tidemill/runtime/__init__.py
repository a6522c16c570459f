"""Composes modules into a process; the only place that picks adapters."""
