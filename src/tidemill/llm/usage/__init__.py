"""The ledger: what each request of a model used."""
