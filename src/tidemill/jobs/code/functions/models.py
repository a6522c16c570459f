"""What is known of functions; no I/O."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.models import Limits, seconds_max

FUNCTION: Final = "function"
"""The language of a job that calls a function, and its isolation."""

default_tag: Final = "default"
"""Where jobs go for which nobody names a tag."""

_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_][\w.-]*", re.ASCII)
name_length_max: Final = 200
factor_max: Final = 1000


class Retry(Struct, frozen=True, kw_only=True):
    """When a failed attempt is followed by another one.

    The wait doubles (`factor`) from `seconds` to `seconds_max`, spread by up to a tenth. With
    `on` only these exceptions are tried again, and those of `never` are not. Raises `TypeError`
    and `ValueError` for what cannot be.

    >>> retry = tidemill.Retry(seconds=2, on=(ConnectionError,))
    >>> tidemill.Retry(factor=0.5)
    Traceback (most recent call last):
    ValueError: Retry.factor must be between 1 and 1000, not 0.5.
    """

    seconds: float = 1.0
    factor: float = 2.0
    seconds_max: float = 3600.0
    on: tuple[type[BaseException], ...] = (Exception,)
    never: tuple[type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        """Check each field: a rule that breaks is noticed at the first failure otherwise."""
        for name in ("seconds", "seconds_max"):
            _check_number(name, getattr(self, name), least=0, most=seconds_max)
        _check_number("factor", self.factor, least=1, most=factor_max)
        if self.seconds > self.seconds_max:
            raise ValueError(
                f"Retry.seconds_max must be at least Retry.seconds, {self.seconds:g}, "
                f"not {self.seconds_max:g}."
            )
        for name in ("on", "never"):
            kinds = getattr(self, name)
            if not isinstance(kinds, tuple) or not all(map(_is_error, kinds)):
                raise TypeError(f"Retry.{name} must be a tuple of exception types, not {kinds!r}.")

    def covers(self, error: BaseException) -> bool:
        """Return whether another attempt may help after `error`.

        >>> retry = tidemill.Retry(on=(OSError,), never=(FileNotFoundError,))
        >>> retry.covers(ConnectionError()), retry.covers(FileNotFoundError())
        (True, False)
        """
        return isinstance(error, self.on) and not isinstance(error, self.never)

    def delay(self, attempt: int, jitter: float) -> float:
        """Return the seconds to wait after `attempt` failed; `jitter` lies within 0 and 1.

        >>> retry = tidemill.Retry(seconds=2, seconds_max=10.0)
        >>> [retry.delay(attempt, 0.5) for attempt in (1, 2, 3, 4)]
        [2.0, 4.0, 8.0, 10.0]
        """
        seconds = min(self.seconds_max, self.seconds * self.factor ** min(attempt - 1, 60))
        return min(self.seconds_max, seconds * (0.95 + jitter / 10))


class FunctionOptions(Struct, frozen=True, kw_only=True):
    """What holds for the jobs of a function where the enqueue does not say; None: the engine's."""

    tag: str | None = None
    priority: int = 0
    attempts_max: int | None = None
    timeout_seconds: int | None = None
    retry: Retry | None = None
    limits: Limits | None = None


def _check_number(name: str, value: object, *, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"Retry.{name} must be a number, not {value!r}.")
    if not least <= value <= most:
        raise ValueError(f"Retry.{name} must be between {least:g} and {most:.0f}, not {value:g}.")


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


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

    A worker takes the lanes of the packages whose functions it has registered, and passes by the
    jobs of functions that it has not, so that workers never take each other's jobs.
    """
    return f"{FUNCTION}:{name.partition(':')[0].partition('.')[0]}"


@lru_cache(maxsize=1024)
def isolation_of(lane: str) -> str:
    """Return the isolation in which the jobs of `lane` run."""
    return lane.partition(":")[0]
