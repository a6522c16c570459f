"""How long jobs that have ended are kept."""
