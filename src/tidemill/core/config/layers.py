"""What each source said, and which of them wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from tidemill.core.config.about import Scope


class Source(StrEnum):
    """The five sources of a value, strongest first."""

    COMMAND_LINE = "command_line"
    ENVIRONMENT = "environment"
    FILE = "file"
    DATABASE = "database"
    DEFAULT = "default"

    @property
    def rank(self) -> int:
        """Return 0 for the source that wins over all others, rising."""
        return _RANKS[self]


_RANKS: Final = {source: rank for rank, source in enumerate(Source)}


class Origin(Struct, frozen=True, kw_only=True):
    """The exact place of a value.

    `name` is how the source writes it: the option, the variable, the key in the file. `file`
    and `line` are set where the value lies in a file, `scope` where it lies in the database.
    """

    source: Source
    name: str | None = None
    file: str | None = None
    line: int | None = None
    scope: Scope | None = None

    def __str__(self) -> str:
        """Return the place as people write it, e.g. `SERVER_PORT in .env:3`."""
        return " ".join(part for part in (self._what(), self._where()) if part)

    def _what(self) -> str:
        if self.source is Source.DEFAULT:
            return "default"
        if self.source is Source.DATABASE:
            return f"database ({self.scope or Scope.INSTALLATION})"
        return self.name or self.source.value.replace("_", " ")

    def _where(self) -> str:
        if self.file is None:
            return {Source.ENVIRONMENT: "in the environment"}.get(self.source, "")
        return f"in {self.file}:{self.line}" if self.line else f"in {self.file}"


class Given(Struct, frozen=True, kw_only=True):
    """A value that some source gives to a key."""

    value: Any
    origin: Origin


class Layers(Struct, frozen=True, kw_only=True):
    """What the command line, the environment and the file gave, by key, strongest first."""

    given: Mapping[str, tuple[Given, ...]] = {}

    def of(self, key_name: str) -> tuple[Given, ...]:
        """Return what was given to a key, strongest first."""
        return self.given.get(key_name, ())


NO_LAYERS: Final = Layers()


class Resolved(Struct, frozen=True, kw_only=True):
    """The value of a key, where it came from, and what it hides."""

    value: Any
    origin: Origin
    shadowed: tuple[Given, ...] = ()


def resolve(fixed: Sequence[Given], stored: Sequence[Given], default: object) -> Resolved:
    """Return which value wins.

    `fixed` is what the sources above the database gave, `stored` what the database holds from
    the narrowest scope to the widest.
    """
    everything = (
        *sorted(fixed, key=lambda given: given.origin.source.rank),
        *stored,
        Given(value=default, origin=Origin(source=Source.DEFAULT)),
    )
    winner, *shadowed = everything
    return Resolved(value=winner.value, origin=winner.origin, shadowed=tuple(shadowed))
