"""The protocols of clients and providers, each translated by way of OpenAI's chat."""
