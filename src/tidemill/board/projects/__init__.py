"""Projects: a key, a name, and the numbers of the items in them."""
