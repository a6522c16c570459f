"""Time reports: totals of time entries by person, item, project, day or week."""
