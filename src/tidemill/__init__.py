"""Tidemill: plan work, run it, and let models help, as one system."""

__version__ = "0.1.0"
