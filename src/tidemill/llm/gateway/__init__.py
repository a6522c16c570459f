"""The way of a request from a client to a model and back."""
