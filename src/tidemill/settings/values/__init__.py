"""Reading, writing and explaining stored values."""
