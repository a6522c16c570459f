"""What is decided about a job in the transaction that accepts it."""
