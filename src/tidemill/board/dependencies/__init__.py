"""Dependencies: what joins two work items."""
