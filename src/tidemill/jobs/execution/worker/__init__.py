"""The worker: a process that takes jobs from a dispatcher, runs them in slots and reports."""
