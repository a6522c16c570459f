"""The bytes of files: which are used, how much they hold, and when they go."""
