"""Automation: what happens on one feature because of another."""
