"""Finds jobs, live and finished, by what they have in common."""
