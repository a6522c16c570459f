"""A setting as it is: its value, where that came from, and what it hides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.core.config import (
    KEYS,
    BadValue,
    Given,
    Key,
    Layers,
    Origin,
    Resolved,
    Scope,
    Source,
    resolve,
)


class StoredValue(Struct, frozen=True):
    """One row: a value as JSON; `user_id` is empty unless it is a user's own."""

    user_id: str
    key: str
    value: str


class Setting(Struct, frozen=True, kw_only=True):
    """A key with what holds for somebody."""

    key: Key
    resolved: Resolved


Ignored = Callable[[str, str], None]
"""Takes the key and the reason of a stored value that no longer fits."""


def stored_values(
    rows: Iterable[StoredValue], *, installation: bool, ignored: Ignored
) -> dict[str, list[Given]]:
    """Return stored values by key, a user's own before those of its tenant.

    A value that this version no longer takes is passed over and told to `ignored`: it must not
    keep anything from starting.
    """
    found: dict[str, list[Given]] = {}
    for row in sorted(rows, key=lambda row: row.user_id, reverse=True):
        scope = _scope_of(row, installation=installation)
        try:
            value = _accepted(row, scope)
        except BadValue as error:
            ignored(row.key, str(error))
            continue
        origin = Origin(source=Source.DATABASE, scope=scope)
        found.setdefault(row.key, []).append(Given(value=value, origin=origin))
    return found


def settings_of(
    layers: Layers, narrow: dict[str, list[Given]], wide: dict[str, list[Given]]
) -> dict[str, Setting]:
    """Return every setting: `narrow` are stored values of tenant and user, `wide` of all."""
    return {
        name: Setting(
            key=key,
            resolved=resolve(
                layers.of(name), (*narrow.get(name, ()), *wide.get(name, ())), key.default
            ),
        )
        for name, key in KEYS.items()
    }


def _scope_of(row: StoredValue, *, installation: bool) -> Scope:
    if installation:
        return Scope.INSTALLATION
    return Scope.USER if row.user_id else Scope.TENANT


def _accepted(row: StoredValue, scope: Scope) -> Any:
    key = KEYS.get(row.key)
    if key is None or not key.live or scope.rank > key.scope.rank:
        raise BadValue("a setting that can be stored here")
    try:
        return key.accept(msgspec.json.decode(row.value))
    except msgspec.DecodeError as error:
        raise BadValue(key.expected) from error
