"""Adapters of git."""
