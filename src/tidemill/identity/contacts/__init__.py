"""Contacts: where mail to members goes."""
