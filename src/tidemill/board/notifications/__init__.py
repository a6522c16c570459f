"""Notifications: what a member shall hear of, and why."""
