"""Briefs of projects: what matters first, as a text that fits what a model may read."""
