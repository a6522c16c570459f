"""Claims for tags whose jobs are ordered or placed by a strategy of their own."""
