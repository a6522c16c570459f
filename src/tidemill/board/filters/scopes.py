"""Who asks, when and where, and what names mean there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.custom_fields.models import CustomField
from tidemill.board.errors import shown
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.models import Word
from tidemill.core.clock import Instant

ME: Final = "me"


class Names(Protocol):
    """Finds what filters call by name."""

    def project(self, reference: str) -> str | None:
        """Return the id of a project."""
        ...

    def item(self, reference: str) -> str | None:
        """Return the id of a living item."""
        ...

    def people(self, name: str) -> Sequence[str]:
        """Return the ids of those with this name, in any case, or of the one with this id."""
        ...

    def sprints(self, reference: str) -> Sequence[str]:
        """Return the ids of sprints with this name, in any project, or with this id."""
        ...

    def active_sprints(self) -> Sequence[str]:
        """Return the ids of all active sprints."""
        ...

    def labels(self, reference: str) -> Sequence[str]:
        """Return the ids of labels with this name, in any project, or with this id."""
        ...

    def statuses(self, word: str) -> Sequence[str]:
        """Return the keys of statuses with this key or name, in any project."""
        ...

    def known_statuses(self) -> Sequence[str]:
        """Return the keys of the statuses of all projects."""
        ...

    def kinds(self, word: str) -> Sequence[str]:
        """Return the keys of kinds of items with this key or name."""
        ...

    def known_kinds(self) -> Sequence[str]:
        """Return the keys of all kinds of items."""
        ...

    def custom_fields(self, key: str) -> Sequence[CustomField]:
        """Return the custom fields with this key, of the tenant and of its projects."""
        ...


class Scope(Struct, frozen=True, kw_only=True):
    """Who asks, when and where."""

    names: Names
    now: Instant
    zone: ZoneInfo
    me: str | None

    def people(self, word: Word) -> tuple[str, ...]:
        """Return whom `word` means; raises `InvalidFilter`."""
        if word.text.lower() == ME and not word.is_quoted:
            if self.me is None:
                raise InvalidFilter(word.at, "Nobody is meant by me here: name a person.")
            return (self.me,)
        found = self.names.people(word.text)
        if not found:
            raise InvalidFilter(word.at, f"There is nobody called {shown(word.text)}.")
        return tuple(found)
