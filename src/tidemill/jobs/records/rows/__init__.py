"""The rows of a query that were too many for its result, in a file beside it."""
