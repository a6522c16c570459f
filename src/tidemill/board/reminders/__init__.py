"""Reminders: whoever shall do an item hears on the day before that it is due."""
