"""Workflows: which statuses there are and which moves between them."""
