"""Deliveries: what webhooks were sent, what waits, and how it went."""
