"""Time entries: how long who worked on which item."""
