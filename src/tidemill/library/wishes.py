"""What a program may say of its jobs, checked where it says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from tidemill.jobs.code.functions.models import Retry
from tidemill.jobs.limits.models import Limits
from tidemill.jobs.requirements.models import Requires
from tidemill.library.app import Tidemill

_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "id": ((str,), "text"),
    "name": ((str,), "text"),
    "tag": ((str,), "text"),
    "affinity_key": ((str,), "text"),
    "attempts": ((int,), "a whole number"),
    "timeout": ((int, float), "a number of seconds"),
    "priority": ((int,), "a whole number"),
    "run_at": ((datetime, timedelta), "a datetime with its zone, or a timedelta from now"),
    "until": ((datetime,), "a datetime with its zone"),
    "delay": ((int, float, timedelta), "a number of seconds or a timedelta"),
    "labels": ((list, tuple), "a list of texts"),
    "every": ((int, float, timedelta), "a number of seconds or a timedelta"),
    "jitter": ((int, float), "a number of seconds"),
    "retry": ((Retry,), "a tidemill.Retry"),
    "limits": ((Limits,), "a tidemill.Limits"),
    "requires": ((Requires,), "a tidemill.Requires"),
    "app": ((Tidemill,), "a tidemill.Tidemill"),
}


class Wishes(Struct, frozen=True, kw_only=True):
    """What an enqueue says beyond the arguments; None leaves it to the function."""

    id: str | None = None
    tag: str | None = None
    priority: int | None = None
    run_at: datetime | None = None
    timeout: float | None = None
    attempts: int | None = None
    limits: Limits | None = None
    requires: Requires | None = None
    affinity_key: str | None = None
    labels: tuple[str, ...] | None = None


def check_wishes(**wishes: Any) -> None:
    """Raise `TypeError` or `ValueError` for the first that cannot be; None says nothing."""
    for name, value in wishes.items():
        kinds, expected = _KINDS[name]
        if value is not None and not isinstance(value, kinds):
            raise TypeError(f"{name} must be {expected}, not {value!r}.")
    for name in ("run_at", "until"):
        check_zone(name, wishes.get(name))
    labels = wishes.get("labels") or ()
    if not all(isinstance(label, str) for label in labels):
        raise TypeError(f"labels must be a list of texts, not {labels!r}.")
    attempts, timeout = wishes.get("attempts"), wishes.get("timeout")
    if attempts is not None and attempts < 1:
        raise ValueError(f"attempts must be 1 or more, not {attempts}.")
    if timeout is not None and not 0 < timeout < math.inf:
        raise ValueError(f"timeout must be more than 0 seconds, not {timeout:g}.")


def check_zone(name: str, moment: datetime | timedelta | None) -> None:
    """Raise `ValueError` for a time of day that could be anywhere."""
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError(f"{name} needs a time zone, such as datetime.now(UTC).")


def check_call(call: object, where: str) -> None:
    """Raise `TypeError` when `call` is not the arguments of one call."""
    # Text is a sequence, too, whose letters nobody means as arguments.
    if not isinstance(call, Sequence | Mapping) or isinstance(call, str | bytes):
        raise TypeError(
            f"{where} must be the arguments of one call, by position as (1,) or by name as "
            f'{{"number": 1}}, not {call!r}.'
        )
