"""Sprinting: items enter sprints, leave them, and are carried over when one ends."""
