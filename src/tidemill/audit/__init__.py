"""Who did what: a chain of lines for each tenant, which shows any change."""
