"""Anthropic's Messages, in both directions."""
