"""What the names of a line mean in a tenant's store."""
