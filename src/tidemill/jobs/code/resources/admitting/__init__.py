"""Lets references in that lead somewhere."""
