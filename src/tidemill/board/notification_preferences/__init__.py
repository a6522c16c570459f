"""Preferences: of what a member wants to hear, and how."""
