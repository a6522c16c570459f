"""How jobs are kept apart: zygotes, the walls around them, and what each wall guarantees."""
