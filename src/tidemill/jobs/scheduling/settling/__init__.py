"""What follows when the job of an occurrence has ended."""
