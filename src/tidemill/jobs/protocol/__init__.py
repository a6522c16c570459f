"""The worker protocol: what a dispatcher and a worker say to each other, over any transport."""
