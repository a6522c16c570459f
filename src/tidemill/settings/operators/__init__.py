"""Who looks after the installation."""
