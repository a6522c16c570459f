"""Requests that come again after what they ask for is refused by now."""
