"""Adapters of the ports: what talks to databases, queues, caches and processes."""
