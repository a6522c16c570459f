"""Facts and updates on their way to browsers and commands that watch."""
