"""Files on work items."""
