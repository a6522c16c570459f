"""Item kinds: how large a piece of work is, and below what it may hang."""
