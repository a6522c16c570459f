"""Scripts: versioned code with an entry point and a schema of its arguments."""
