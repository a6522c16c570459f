"""Tags: how many jobs each has, and whether they are handed out."""
