"""Marks in the control store: which tenant has something to do next, and when."""
