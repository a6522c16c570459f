"""Resources: how to reach something, as values of a type."""
