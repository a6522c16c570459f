"""Hands due jobs to workers, near or behind a broker, and records how they ended."""
