"""Environment variables that are keys, secrets in files among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from tidemill.core.config import KEYS, Entry, Origin, Source
from tidemill.core.config.names import (
    FILE_SUFFIX,
    KEY_ALIASES,
    OTHER_PREFIXES,
    OTHER_VARIABLES,
    VARIABLE_ALIASES,
    VARIABLES,
)

_PREFIX: Final = "TIDEMILL_"
_secret_bytes_max: Final = 64 * 1024


class Variable(Struct, frozen=True, kw_only=True):
    """One variable, and the line of the file that sets it, unless the process has it."""

    name: str
    text: str
    file: str | None = None
    line: int | None = None

    @property
    def origin(self) -> Origin:
        """Return the place of its value."""
        return Origin(source=Source.ENVIRONMENT, name=self.name, file=self.file, line=self.line)


def entries_of(variables: Iterable[Variable]) -> Iterator[Entry]:
    """Yield what the variables say; those that are not for Tidemill are passed over."""
    for variable in variables:
        entry = _entry_of(variable)
        if entry is not None:
            yield entry


def _entry_of(variable: Variable) -> Entry | None:
    name = variable.name
    key = _key_of(name)
    if key is not None:
        return Entry(name=key, value=variable.text, origin=variable.origin)
    if name.endswith(FILE_SUFFIX):
        key = _key_of(name.removesuffix(FILE_SUFFIX))
        if key is not None:
            return _from_file(variable, key)
    if not name.startswith(_PREFIX) or name in OTHER_VARIABLES:
        return None
    if name.startswith(OTHER_PREFIXES):
        return None
    return Entry(name=name, value=variable.text, origin=variable.origin)


def _key_of(name: str) -> str | None:
    return name if name in VARIABLE_ALIASES else VARIABLES.get(name)


def _from_file(variable: Variable, key: str) -> Entry:
    entry = Entry(name=key, value="", origin=variable.origin)
    if not _may_lie_in_file(key):
        why = (
            f"only secrets may lie in files of their own; set {variable.name[: -len(FILE_SUFFIX)]}."
        )
        return Entry(name=key, value="", origin=variable.origin, unread=why)
    try:
        with Path(variable.text).open("rb") as file:
            text = file.read(_secret_bytes_max).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        why = f"{variable.text} cannot be read: {getattr(error, 'strerror', None) or error}."
        return Entry(name=entry.name, value="", origin=entry.origin, unread=why)
    return Entry(name=key, value=text, origin=variable.origin)


def _may_lie_in_file(name: str) -> bool:
    alias = VARIABLE_ALIASES.get(name) or KEY_ALIASES.get(name)
    keys = alias.keys if alias is not None else (name,)
    return all(KEYS[key].about.hidden for key in keys)
