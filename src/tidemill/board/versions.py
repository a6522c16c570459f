"""Which version a caller believes it changes, and by which road it said so."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from tidemill.core.errors import Conflict
from tidemill.http import check_version


class Expected(Struct, frozen=True, kw_only=True):
    """`if_match` comes from the header (412 when it fails), `version` from the body (409).

    `base` is the version that the caller read: what others changed since is kept, unless both
    changed the same field.
    """

    if_match: int | None = None
    version: int | None = None
    base: int | None = None

    def check(self, current: int, conflict: Callable[[int, int], Conflict]) -> None:
        """Return when `current` is what the caller expects.

        Raises `VersionChanged`, or what `conflict` makes of the expected and current version.
        """
        check_version(current, self.if_match)
        if self.version is not None and self.version != current:
            raise conflict(self.version, current)
        if self.base is not None and self.base > current:
            raise conflict(self.base, current)


ANY_VERSION = Expected()
"""The caller does not mind what changed meanwhile: the last write wins, field by field."""
