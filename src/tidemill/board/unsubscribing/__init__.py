"""Unsubscribing: how a link in a mail ends such mail, without a log-in."""
