"""Measurements side by side with named peers; see README.md for the method."""
