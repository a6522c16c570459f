"""Labelling: which labels items bear and show."""
