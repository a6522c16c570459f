"""Kind changes: a tenant gets kinds of its own, and changes or leaves them."""
