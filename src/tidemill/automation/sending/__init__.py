"""Sending: what waits goes out, from one process at a time for each webhook."""
