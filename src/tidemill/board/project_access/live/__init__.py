"""What of projects is told live, and to whom."""
