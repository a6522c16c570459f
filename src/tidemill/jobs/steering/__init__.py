"""What people do with jobs that are there: again, later, many at once, out and in."""
