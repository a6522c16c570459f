"""Finds work items by words, also by mistyped ones."""
