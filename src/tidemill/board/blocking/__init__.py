"""Blocking: what must be finished before what, and who waits."""
