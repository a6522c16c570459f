"""Webhooks: who hears of which facts, and with which secret that is signed."""
