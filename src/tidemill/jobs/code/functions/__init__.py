"""Functions of the operator's own code, which workers call in their own process."""
