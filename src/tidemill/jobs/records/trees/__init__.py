"""Jobs and what they have started, as trees."""
