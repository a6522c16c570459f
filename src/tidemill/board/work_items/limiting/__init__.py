"""Limits of work in progress, held where items are written."""
