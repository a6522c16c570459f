"""What a script keeps from one run to the next."""
