"""Workflows: which statuses a project has, what each means, and which moves lead between them."""
