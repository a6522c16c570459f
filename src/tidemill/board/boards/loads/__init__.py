"""What counts towards the limits of a board."""
