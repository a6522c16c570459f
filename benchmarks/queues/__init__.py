"""Tidemill's queue beside its peers."""
