"""Time tracking: what time entries are, and what entries, timers and bookings have in common."""
