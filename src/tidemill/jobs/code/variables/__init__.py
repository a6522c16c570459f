"""Variables and secrets: named texts that scripts read."""
