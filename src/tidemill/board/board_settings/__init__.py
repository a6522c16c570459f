"""What holds for the boards of projects."""
