"""The names of dialects."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """A protocol of clients and providers."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
