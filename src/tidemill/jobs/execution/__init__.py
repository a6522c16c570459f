"""Where jobs run: workers, executors of languages, packages, and the walls around a job."""
