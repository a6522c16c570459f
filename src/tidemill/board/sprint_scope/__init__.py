"""Sprint scope: the ledger of what a sprint held, and what of it was done, at every instant."""
