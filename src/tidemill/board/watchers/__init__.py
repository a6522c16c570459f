"""Watchers: who wants to hear of an item."""
