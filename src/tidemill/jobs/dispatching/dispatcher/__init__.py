"""Handing due jobs to workers and recording their outcomes."""
