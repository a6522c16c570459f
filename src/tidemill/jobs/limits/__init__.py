"""How many jobs of a key may run, how often, how long they count: rules, and the rows behind."""
