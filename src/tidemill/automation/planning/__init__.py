"""Planning: which facts are for which webhooks."""
