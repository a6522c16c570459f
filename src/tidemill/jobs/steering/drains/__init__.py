"""Takes workers out of service, and back."""
