"""Fires schedules: what the leader does at due times, and what happens when jobs end."""
