"""Steers single jobs: again, later, now."""
