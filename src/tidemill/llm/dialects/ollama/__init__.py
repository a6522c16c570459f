"""Ollama's dialect, for its clients; its servers are asked in OpenAI's, which they speak, too."""
