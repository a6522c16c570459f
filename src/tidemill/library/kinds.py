"""Whether what a program gives has the type that its name promises; told in the name's words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

Kind = tuple[tuple[type, ...], str]
"""What a value may be, and how a person would call that."""

_TEXT: Final[Kind] = (str,), "text"
_WHOLE: Final[Kind] = (int,), "a whole number"
_SECONDS: Final[Kind] = (int, float), "a number of seconds"
_SPAN: Final[Kind] = (int, float, timedelta), "a number of seconds or a timedelta"
KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(
        ("id", "name", "tag", "affinity_key", "job_id", "path", "label", "actor", "work_item_id"),
        _TEXT,
    ),
    **dict.fromkeys(
        ("parent_id", "root_id", "cursor", "tenant", "schema_prefix", "due_argument"), _TEXT
    ),
    **dict.fromkeys(("attempts", "priority", "limit", "slots", "threads"), _WHOLE),
    **dict.fromkeys(("timeout", "jitter"), _SECONDS),
    **dict.fromkeys(("delay", "every"), _SPAN),
    "database": ((str, Path), "text or a path"),
    "run_at": ((datetime, timedelta), "a datetime with its zone, or a timedelta from now"),
    "until": ((datetime,), "a datetime with its zone"),
    "since": ((datetime, timedelta), "a datetime with its zone, or a timedelta ago"),
    "labels": ((list, tuple), "a list of texts"),
    "after": ((list, tuple), "a list of texts"),
    "outboxes": ((list, tuple), "a list of files"),
    "enabled": ((bool,), "True or False"),
    "dry_run": ((bool,), "True or False"),
}
_LISTED: Final[Mapping[str, tuple[type, ...]]] = {
    "labels": (str,),
    "after": (str,),
    "outboxes": (str, Path),
}
_NEEDED: Final = frozenset({"job_id", "limit", "tenant", "schema_prefix", "slots", "threads"})


def check_kinds(known: Mapping[str, Kind] = KINDS, /, **values: Any) -> None:
    """Raise `TypeError` for the first value of another type than its name has; None says nothing.

    A number that is none, as `float("nan")`, raises `ValueError`.
    """
    for name, value in values.items():
        kinds, expected = known[name]
        if value is None and name not in _NEEDED:
            continue
        # True counts as 1 in Python, and nobody means it as a number.
        wrong = isinstance(value, bool) and bool not in kinds
        listed = _LISTED.get(name, (object,))
        if wrong or not isinstance(value, kinds):
            raise TypeError(f"{name} must be {expected}, not {value!r}.")
        if isinstance(value, list | tuple) and not all(isinstance(one, listed) for one in value):
            raise TypeError(f"{name} must be {expected}, not {value!r}.")
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(f"{name} must be {expected}, not {value!r}.")


def moment_of(name: str, moment: datetime | timedelta, *, ago: bool = False) -> datetime:
    """Return an instant, or that of a time from now, or ago.

    Raises `ValueError` for a time of day that could be anywhere, and for what no calendar has.
    """
    if isinstance(moment, datetime):
        check_zone(name, moment)
        return moment
    try:
        return datetime.now(UTC) + (-moment if ago else moment)
    except OverflowError:
        raise ValueError(f"{name} must lie between the years 1 and 9999.") from None


def check_zone(name: str, moment: datetime | timedelta | None) -> None:
    """Raise `ValueError` for a time of day that could be anywhere."""
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError(f"{name} needs a time zone, such as datetime.now(UTC).")
