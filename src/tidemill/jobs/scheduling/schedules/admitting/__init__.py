"""Lets definitions of schedules in that can hold."""
