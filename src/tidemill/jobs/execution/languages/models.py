"""The languages of scripts, and what others call them; no I/O."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import Any, Final

from tidemill.jobs.errors import UnknownLanguage

Schema = dict[str, Any]
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


class Language(StrEnum):
    """What scripts are written in."""

    PYTHON = "python"
    BASH = "bash"
    TYPESCRIPT = "typescript"
    SQL = "sql"
    HTTP = "http"
    CONTAINER = "container"


_ALSO: Final = {
    "deno": Language.TYPESCRIPT,
    "docker": Language.CONTAINER,
    "duckdb": Language.SQL,
    "javascript": Language.TYPESCRIPT,
    "js": Language.TYPESCRIPT,
    "podman": Language.CONTAINER,
    "postgres": Language.SQL,
    "postgresql": Language.SQL,
    "py": Language.PYTHON,
    "python3": Language.PYTHON,
    "rest": Language.HTTP,
    "sh": Language.BASH,
    "shell": Language.BASH,
    "sqlite": Language.SQL,
    "ts": Language.TYPESCRIPT,
}
"""What people write who mean one of ours; named in the error, so that one word has one meaning."""


def language(text: str) -> Language:
    """Return the language that `text` names; raises `UnknownLanguage` with the nearest one."""
    wanted = text.strip().lower()
    try:
        return Language(wanted)
    except ValueError:
        known = [str(one) for one in Language]
        raise UnknownLanguage(text, known, nearest=_nearest(wanted, known)) from None


def object_schema(properties: Schema, required: list[str], *, open_: bool = False) -> Schema:
    """Return the JSON Schema (2020-12) of arguments by name."""
    schema: Schema = {"$schema": DRAFT, "type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if not open_:
        schema["additionalProperties"] = False
    return schema


def _nearest(wanted: str, known: list[str]) -> str | None:
    if wanted in _ALSO:
        return _ALSO[wanted]
    close = difflib.get_close_matches(wanted, [*known, *_ALSO], n=1, cutoff=0.6)
    return _ALSO.get(close[0], Language(close[0]) if close[0] in known else None) if close else None
