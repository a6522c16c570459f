"""Keys of limits as their jobs meet at them: locks, and how many slots are held."""
