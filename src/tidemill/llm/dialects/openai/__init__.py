"""OpenAI's dialect, which is also what the others are translated by."""
