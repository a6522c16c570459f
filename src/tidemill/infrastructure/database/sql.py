"""Reads statements with `:name` parameters: which names they use, and how PostgreSQL says it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

_TOKEN: Final = re.compile(
    r"""
      '(?:[^']|'')*'                      # a string
    | "(?:[^"]|"")*"                      # a quoted name
    | --[^\n]*                            # a comment to the end of the line
    | /\*.*?\*/                           # a comment between marks
    | (\$(?:[A-Za-z_]\w*)?\$).*?\1        # a dollar-quoted string
    | ::                                  # a cast, which looks like a parameter
    | (?<![\w:]):(?P<name>[A-Za-z_]\w*)   # a parameter
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENTS: Final = re.compile(r"\A(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_ALLOWED: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES"})
# These outlive the transaction on the connection, and the next tenant would meet them.
_SESSION: Final = re.compile(
    r"\b(set_config|pg_(try_)?advisory_lock(_shared)?|load_extension|dblink\w*)\s*\(",
    re.IGNORECASE,
)


class StatementRefused(RuntimeError):
    """A use case ran a statement that could leave its transaction or its tenant."""


class Statement(Struct, frozen=True):
    """A statement as both databases need it."""

    names: frozenset[str]
    order: tuple[str, ...]
    postgres: str
    scoped: bool


@lru_cache(maxsize=4096)
def parse(sql: str) -> Statement:
    """Return what `sql` uses; raises `StatementRefused` for anything but data statements."""
    first = re.match(r"[A-Za-z]*", sql[len(_leading(sql)) :])
    keyword = first.group().upper() if first else ""
    if keyword not in _ALLOWED:
        message = f"A use case may not run {keyword or 'an empty statement'}: {sql.strip()[:80]!r}"
        raise StatementRefused(message)
    if _SESSION.search(sql):
        message = f"A use case may not change its connection: {sql.strip()[:80]!r}"
        raise StatementRefused(message)
    order: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match.group("name")
        if name is None:
            return match.group()
        return f"${order.setdefault(name, len(order) + 1)}"

    translated = _TOKEN.sub(number, sql)
    return Statement(frozenset(order), tuple(order), translated, "tenant_id" in order)


@lru_cache(maxsize=4096)
def parse_scoped(sql: str) -> Statement:
    """Like `parse`, for tenant stores: each statement must name the tenant it works for."""
    statement = parse(sql)
    if not statement.scoped:
        message = f"A statement in a tenant store must use :tenant_id: {sql.strip()[:80]!r}"
        raise StatementRefused(message)
    return statement


@lru_cache(maxsize=1024)
def placed(sql: str, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return `sql` with `?1` for the first of `names` and so on, and what it uses besides them.

    Those come last, and are what a transaction knows itself.
    """
    places = {name: place for place, name in enumerate(names, 1)}

    def place(match: re.Match[str]) -> str:
        name = match.group("name")
        if name is None:
            return match.group()
        return f"?{places.setdefault(name, len(places) + 1)}"

    return _TOKEN.sub(place, sql), tuple(places)[len(names) :]


def _leading(sql: str) -> str:
    match = _COMMENTS.match(sql)
    return match.group() if match else ""
