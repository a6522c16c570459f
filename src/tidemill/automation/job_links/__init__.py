"""Job links: jobs that run for work items, and the items that show them."""
