"""Values in memory that follow what is stored."""
