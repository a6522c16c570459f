"""What is said of a configuration key beside its type and default."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Scope(StrEnum):
    """The narrowest level at which a setting may be written to the database.

    A value of a user wins over one of its tenant, which wins over the installation's.
    """

    INSTALLATION = "installation"
    TENANT = "tenant"
    USER = "user"

    @property
    def rank(self) -> int:
        """Return 0 for the widest scope, rising."""
        return _RANKS[self]

    @property
    def phrase(self) -> str:
        """Return for whom a key of this scope can be set."""
        return _PHRASES[self]


_RANKS = {Scope.INSTALLATION: 0, Scope.TENANT: 1, Scope.USER: 2}
_PHRASES = {
    Scope.INSTALLATION: "for the installation",
    Scope.TENANT: "for the installation or a tenant",
    Scope.USER: "for the installation, a tenant or a user",
}


class About(Struct, frozen=True, kw_only=True):
    """How a key may be used.

    `secret` values are never shown; of a `url` only the password is hidden. `live` keys can be
    changed at run time, down to `scope`; a `quota` is set for a tenant by operators alone.
    `check` returns the value in its normal form, or raises `ValueError` with what would be right.
    """

    secret: bool = False
    url: bool = False
    live: bool = False
    scope: Scope = Scope.INSTALLATION
    quota: bool = False
    check: Callable[[Any], Any] | None = None

    @property
    def hidden(self) -> bool:
        """Return whether the value, or a part of it, must not be shown."""
        return self.secret or self.url


class Annotation(Struct, frozen=True, kw_only=True):
    """What a field of a section is annotated with."""

    meaning: str
    about: About
    ge: float | None = None
    le: float | None = None
    max_length: int | None = None


def key(
    meaning: str,
    about: About | None = None,
    *,
    ge: float | None = None,
    le: float | None = None,
    max_length: int | None = None,
) -> Annotation:
    """Return the annotation of one key: its meaning and its limits."""
    return Annotation(meaning=meaning, about=about or About(), ge=ge, le=le, max_length=max_length)


LIVE = About(live=True)
SECRET = About(secret=True)
