"""What a project document says ahead of its items."""
