"""Handles: what people are called by behind an @."""
