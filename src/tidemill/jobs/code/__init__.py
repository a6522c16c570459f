"""Code that runs as jobs, and what it reads and keeps: scripts, functions, variables, resources."""
