"""How many deliveries of facts one server process makes, how soon, and at which cost."""
