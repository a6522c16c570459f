"""Projections and reactions: what follows every tenant's stream durably."""
