"""What is known of functions; no I/O."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from tidemill.jobs.errors import InvalidJobField

FUNCTION: Final = "function"
"""The language of a job that calls a function, and its isolation."""

_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_][\w.-]*", re.ASCII)
name_length_max: Final = 200


class Retry(Struct, frozen=True, kw_only=True):
    """When a failed attempt is followed by another one.

    The wait doubles (`factor`) from `seconds` to `seconds_max`, spread by up to a tenth. With
    `on` only these exceptions are tried again, and those of `never` are not.
    """

    seconds: float = 1.0
    factor: float = 2.0
    seconds_max: float = 3600.0
    on: tuple[type[BaseException], ...] = (Exception,)
    never: tuple[type[BaseException], ...] = ()

    def covers(self, error: BaseException) -> bool:
        """Return whether another attempt may help after `error`."""
        return isinstance(error, self.on) and not isinstance(error, self.never)

    def delay(self, attempt: int, jitter: float) -> float:
        """Return the seconds to wait after `attempt` failed; `jitter` lies within 0 and 1."""
        seconds = min(self.seconds_max, self.seconds * self.factor ** min(attempt - 1, 60))
        return min(self.seconds_max, seconds * (0.95 + jitter / 10))


class FunctionOptions(Struct, frozen=True, kw_only=True):
    """What holds for the jobs of a function where the enqueue does not say; None: the engine's."""

    tag: str | None = None
    priority: int = 0
    attempts_max: int | None = None
    timeout_seconds: int | None = None
    retry: Retry | None = None


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """Return whether `text` has the form `package.module:name`."""
    return len(text) <= name_length_max and _NAME.fullmatch(text) is not None


def check_name(text: str) -> None:
    """Raise `InvalidJobField` when `text` names no function."""
    if not is_name(text):
        raise InvalidJobField(
            "function", f"a name such as shop.tasks:send_mail, {name_length_max} characters at most"
        )


@lru_cache(maxsize=4096)
def lane_of(name: str) -> str:
    """Return the lane of a function's jobs: that of its root package.

    A worker takes the lanes of the packages whose functions it has registered, so that workers of
    different programs never take each other's jobs.
    """
    return f"{FUNCTION}:{name.partition(':')[0].partition('.')[0]}"


@lru_cache(maxsize=1024)
def isolation_of(lane: str) -> str:
    """Return the isolation in which the jobs of `lane` run."""
    return lane.partition(":")[0]
