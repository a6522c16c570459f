"""Transfers: work items go to another project, and keep their former keys."""
