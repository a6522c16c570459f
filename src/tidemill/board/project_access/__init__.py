"""What people may do in one project: the one rule, and the walls that keep it."""
