"""Who may do what below which path."""
