"""Syncing: what the board does while a repository is synced."""
