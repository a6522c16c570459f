"""Bulk changes: many items change in one step, all of them or those that may."""
