"""The application: factory, edge, health and OpenAPI."""
