"""Calls over HTTP to addresses outside."""
