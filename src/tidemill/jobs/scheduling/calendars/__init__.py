"""Named calendars: on which days schedules run."""
