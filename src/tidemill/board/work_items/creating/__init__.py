"""Making items."""
