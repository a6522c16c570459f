"""The language in which people say which work items they mean."""
