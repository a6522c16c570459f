"""The queue as lines of JSON: out of one installation, into another."""
