"""Applying: how the board takes what a repository says."""
