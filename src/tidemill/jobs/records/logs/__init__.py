"""What jobs print: append-only files, read as pages or live."""
