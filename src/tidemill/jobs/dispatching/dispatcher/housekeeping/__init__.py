"""What the leading dispatcher clears away, and what each one does after its ended jobs."""
