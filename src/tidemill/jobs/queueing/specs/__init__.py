"""What many jobs have in common, kept once."""
