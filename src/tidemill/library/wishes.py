"""What a program may say of its jobs, checked where it says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from tidemill.jobs.code.functions.models import Retry
from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.models import Limits, check_limits
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.strategies.models import TAG
from tidemill.jobs.requirements.models import Requires
from tidemill.library.app import Tidemill
from tidemill.library.kinds import KINDS, Kind, check_kinds, check_zone

_KINDS: Final[Mapping[str, Kind]] = {
    **KINDS,
    "retry": ((Retry,), "a tidemill.Retry"),
    "limits": ((Limits,), "a tidemill.Limits"),
    "requires": ((Requires,), "a tidemill.Requires"),
    "app": ((Tidemill,), "a tidemill.Tidemill"),
}

_LIMITS: Final = QueueLimits()
"""Every queue has these limits of priorities and attempts."""


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
    """Raise `TypeError` or `ValueError` for the first that cannot be; None says nothing.

    Raises `InvalidJobField` for limits and requirements that cannot hold.
    """
    check_kinds(_KINDS, **wishes)
    for name in ("run_at", "until"):
        check_zone(name, wishes.get(name))
    _check_place(wishes.get("tag"), wishes.get("priority"))
    attempts, timeout = wishes.get("attempts"), wishes.get("timeout")
    if attempts is not None and attempts < 1:
        raise ValueError(f"attempts must be 1 or more, not {attempts}.")
    if attempts is not None and attempts > _LIMITS.attempts_max:
        raise ValueError(f"attempts must be {_LIMITS.attempts_max} at most, not {attempts}.")
    if timeout is not None and not 0 < timeout < math.inf:
        raise ValueError(f"timeout must be more than 0 seconds, not {timeout:g}.")
    limits = wishes.get("limits")
    if limits is not None:
        check_limits(limits)
        if timeout is not None and limits.within(timeout) is not limits:
            raise InvalidJobField(
                "limits.heartbeat_timeout_seconds",
                f"less than timeout, {timeout:g}, or it would have no effect",
            )
    requires = wishes.get("requires")
    if requires is not None:
        requires.checked()


def check_heartbeat(wishes: Wishes, declared_seconds: float | None) -> None:
    """Raise `InvalidJobField` for a sign of life that is awaited longer than a run may take.

    A run may take `declared_seconds` where the wishes say nothing, or as long as the queue lets it.
    """
    limits = wishes.limits
    seconds = wishes.timeout or declared_seconds or _LIMITS.timeout_seconds_default
    if limits is None or limits.within(seconds) is limits:
        return
    hint = "" if wishes.timeout is not None else "; give options() a longer timeout with it"
    raise InvalidJobField(
        "limits.heartbeat_timeout_seconds",
        f"less than timeout, {seconds:g}, or it would have no effect{hint}",
    )


def _check_place(tag: str | None, priority: int | None) -> None:
    """Raise `ValueError` for a tag or a priority that no queue takes."""
    if tag is not None and not TAG.fullmatch(tag):
        raise ValueError(
            f"tag must be 1 to 63 of a-z, 0-9, '_', '.' and '-', the first a letter or digit, "
            f"not {tag!r}."
        )
    most = _LIMITS.priority_max
    if priority is not None and abs(priority) > most:
        raise ValueError(f"priority must be between {-most} and {most}, not {priority}.")


def check_call(call: object, where: str) -> None:
    """Raise `TypeError` when `call` is not the arguments of one call."""
    # Text is a sequence, too, whose letters nobody means as arguments.
    if not isinstance(call, Sequence | Mapping) or isinstance(call, str | bytes):
        raise TypeError(
            f"{where} must be the arguments of one call, by position as (1,) or by name as "
            f'{{"number": 1}}, not {call!r}.'
        )
