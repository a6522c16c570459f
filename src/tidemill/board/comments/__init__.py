"""Comments: what people say about an item."""
