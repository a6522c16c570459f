"""One thing that an assistant may know."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct


class ContextType(StrEnum):
    """What kind of knowledge an entry is."""

    SCHEMA_DOC = "schema_doc"
    QUERY_PATTERN = "query_pattern"
    BUSINESS_RULE = "business_rule"
    INSTRUCTION = "instruction"
    EXAMPLE = "example"


PRIORITIES: Final = {
    ContextType.SCHEMA_DOC: 100,
    ContextType.QUERY_PATTERN: 90,
    ContextType.BUSINESS_RULE: 80,
    ContextType.INSTRUCTION: 70,
    ContextType.EXAMPLE: 60,
}
"""What an assistant should read first has the highest."""


class ContextEntry(Struct, frozen=True, kw_only=True):
    """One thing to know; `category` is the thing of the board that it is about."""

    context_type: ContextType
    category: str
    title: str
    content: str
    example_sql: str | None = None
    example_description: str | None = None

    @property
    def id(self) -> str:
        """Return what names the entry, the same in each release that has it."""
        return f"{self.context_type}:{self.category}:{self.title}"

    @property
    def priority(self) -> int:
        """Return how early it should be read, 0 to 100, the highest first."""
        return PRIORITIES[self.context_type]


class ContextFilter(Struct, frozen=True, kw_only=True):
    """Which entries a list holds; what is None does not matter."""

    context_type: ContextType | None = None
    category: str | None = None
    min_priority: int = 0

    def fits(self, entry: ContextEntry) -> bool:
        """Return whether the list holds `entry`."""
        return (
            self.context_type in {None, entry.context_type}
            and self.category in {None, entry.category}
            and entry.priority >= self.min_priority
        )
