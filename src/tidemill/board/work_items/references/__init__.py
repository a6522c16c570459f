"""References: what the fields of an item point at."""
