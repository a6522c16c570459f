"""Isolation by itself: how soon a job begins, how long it takes, and what it costs."""
