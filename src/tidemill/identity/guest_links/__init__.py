"""What lets somebody without an account read one project."""
