"""How far a running job is, as it says itself."""
