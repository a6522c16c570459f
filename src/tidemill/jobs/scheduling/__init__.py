"""When jobs start by themselves: schedules, calendars, due times, and what is waited for."""
