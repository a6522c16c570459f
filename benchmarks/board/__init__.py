"""The board with many items, beside the peer."""
