"""Timers: the one time entry of a person that still runs."""
