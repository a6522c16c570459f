"""Configuration files in TOML, with the line of each key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tidemill.core.config import ConfigRefused, Entry, Origin, Source

_TABLE: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_KEY: Final = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'|\s*\.\s*)+?)\s*=""")
_QUOTES: Final = ('"""', "'''")


def read_toml_file(path: Path) -> Sequence[Entry]:
    """Return what a file says; raises `ConfigRefused` when it is no readable TOML."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused([f"{path}: this is not TOML: {error}."]) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigRefused([f"{path} cannot be read: {reason}."]) from error
    lines = _lines_of_keys(text)
    return tuple(_entries(document, str(path), lines))


def _entries(document: Mapping[str, Any], path: str, lines: Mapping[str, int]) -> Iterator[Entry]:
    for name, value in _leaves(document):
        yield Entry(
            name=name,
            value=value,
            origin=Origin(source=Source.FILE, name=name, file=path, line=lines.get(name)),
        )


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _lines_of_keys(text: str) -> dict[str, int]:
    """Return the first line of each key, by a look at the lines: tomllib does not tell."""
    found: dict[str, int] = {}
    section = ""
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside is not None:
            inside = None if inside in line else inside
            continue
        if table := _TABLE.fullmatch(line):
            section = f"{_bare(table[1])}."
        elif key := _KEY.match(line):
            found.setdefault(f"{section}{_bare(key[1])}", number)
            inside = next((quote for quote in _QUOTES if line.count(quote) == 1), None)
    return found


def _bare(dotted: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in dotted.split("."))
