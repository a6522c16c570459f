"""How a worker runs the languages of scripts: one contract, and an executor for each of them."""
