"""What jobs need of a worker, and what its machine has to offer."""
