"""How a turn of the dispatcher takes the next jobs."""
