"""Who is looking at what, and who is writing; nothing of it is ever stored."""
