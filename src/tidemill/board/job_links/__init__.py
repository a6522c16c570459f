"""Job links: what an item shows of the jobs that were started for it."""
