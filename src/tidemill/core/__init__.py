"""Values, rules and ports that every other package may use; no I/O happens here."""
