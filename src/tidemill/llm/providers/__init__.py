"""Providers: the servers that models are asked of."""
