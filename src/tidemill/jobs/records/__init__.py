"""What is known of jobs: logs, progress, figures, attempts, trees, and how long it is kept."""
