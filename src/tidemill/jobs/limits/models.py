"""Limits as people set them, with a script, a function or a job; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.keys import arguments_in, check_template

days_max: Final = 366
seconds_max: Final = days_max * 86_400
slots_max: Final = 100_000
waiting_max: Final = 1_000_000
per_second_max: Final = 10_000
tokens_max: Final = 1_000_000
_look_seconds: Final = 0.05
"""For how long a dispatcher may be late and still keep up with a rate without a burst."""


class Strategy(StrEnum):
    """What becomes of a job whose key has no slot free."""

    QUEUE = "queue"
    """It waits in line."""
    CANCEL_NEWEST = "cancel_newest"
    """It is cancelled itself."""
    CANCEL_RUNNING = "cancel_running"
    """The oldest jobs of the key are cancelled, so that the newest run."""


class UniqueBy(StrEnum):
    """What two jobs of one script or function have in common that may not both exist."""

    ARGS = "args"
    ALL = "all"
    """Nothing further: there is one job of the script or function."""


class OnConflict(StrEnum):
    """What who enqueues a second job gets."""

    RETURN_EXISTING = "return_existing"
    REFUSE = "refuse"


class _Rule(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One limit. Each `key` may hold places such as `{args.customer_id}`."""


class Concurrency(_Rule, frozen=True, kw_only=True):
    """How many jobs of a key may run at once; without a key those of the script or function.

    Where `waiting_max` stand in line already, another one is cancelled.
    """

    limit: int = 1
    key: str | None = None
    strategy: Strategy = Strategy.QUEUE
    waiting_max: int | None = None


class Rate(_Rule, frozen=True, kw_only=True):
    """How many jobs of a key may start in any period, spread over it.

    With a `burst` so many may start at once, and as many more in one period, less one.
    """

    limit: int
    period_seconds: float = 1.0
    key: str | None = None
    burst: int | None = None

    @property
    def interval_microseconds(self) -> int:
        """Return the time between two starts; rounded up, so that the rate is never above."""
        # What starts at once by itself is taken off, so that no period has more than the limit.
        spread = self.limit if self.burst is not None else self.limit - self.tokens + 1
        return -int(-self.period_seconds * MICROSECONDS_PER_SECOND // spread)

    @property
    def tokens(self) -> int:
        """Return how many jobs may start at once: one, or what a dispatcher lets go at a look."""
        if self.burst is not None:
            return self.burst
        at_a_look = int(self.limit * _look_seconds / self.period_seconds)
        return max(1, min(at_a_look, (self.limit + 1) // 2))


class Unique(_Rule, frozen=True, kw_only=True):
    """Of jobs with the same key one exists: while it lives, or for a time from its enqueue on."""

    by: UniqueBy = UniqueBy.ARGS
    key: str | None = None
    window_seconds: float | None = None
    on_conflict: OnConflict = OnConflict.RETURN_EXISTING


class Debounce(_Rule, frozen=True, kw_only=True):
    """A job starts after a pause in its key; each further one takes the place of the first."""

    seconds: float
    key: str | None = None
    max_seconds: float | None = None


class Limits(_Rule, frozen=True, kw_only=True):
    """What holds jobs back, or lets them go; what is None does not hold."""

    concurrency: Concurrency | None = None
    rate: Rate | None = None
    unique: Unique | None = None
    debounce: Debounce | None = None
    ttl_seconds: float | None = None
    """From the enqueue on, after which no attempt begins."""
    queue_timeout_seconds: float | None = None
    """From when an attempt is due until a worker takes it."""
    start_timeout_seconds: float | None = None
    """From when a worker takes an attempt until its own code runs."""
    heartbeat_timeout_seconds: float | None = None
    """Between two signs of life of the code itself."""
    cache_seconds: float | None = None
    """How long a result answers jobs of the same version with the same arguments."""
    result_ttl_seconds: float | None = None
    """How long a result is kept after the end; the job itself stays in the history."""

    def over(self, base: Limits | None) -> Limits:
        """Return these limits, and those of `base` where these say nothing."""
        if base is None:
            return self
        said = {name: value for name in _NAMES if (value := getattr(self, name)) is not None}
        return structs.replace(base, **said)

    def to_json(self) -> str | None:
        """Return the limits as JSON, or None when there are none."""
        text = msgspec.json.encode(self).decode()
        return None if text == "{}" else text

    def expires_after(self, created_at: int, due_at: int) -> int | None:
        """Return when a job that no worker has taken is given up."""
        ends = [
            start + int(seconds * MICROSECONDS_PER_SECOND)
            for start, seconds in (
                (created_at, self.ttl_seconds),
                (due_at, self.queue_timeout_seconds),
            )
            if seconds is not None
        ]
        return min(ends, default=None)


_NAMES: Final = Limits.__struct_fields__
_SECONDS: Final = tuple(name for name in _NAMES if name.endswith("_seconds"))
_decoder: Final = msgspec.json.Decoder(Limits)


def limits_of(text: str) -> Limits:
    """Return limits from their JSON."""
    return _decoder.decode(text)


def check_limits(limits: Limits, *, where: str = "limits") -> None:
    """Raise `InvalidJobField` with the first field that is wrong."""
    for name, seconds in _durations(limits):
        if not 0.001 <= seconds <= seconds_max:
            raise InvalidJobField(f"{where}.{name}", f"between 0.001 and {seconds_max} seconds")
    for name, template in _keys(limits):
        check_template(template, param=f"{where}.{name}.key")
    _check_counts(limits, where)
    unique, debounce = limits.unique, limits.debounce
    if unique is not None and unique.key is not None and unique.by is UniqueBy.ALL:
        raise InvalidJobField(f"{where}.unique.by", "left out beside a key of its own")
    if unique is not None and debounce is not None:
        raise InvalidJobField(
            f"{where}.debounce", "left out beside unique: the first one would never be replaced"
        )
    if debounce is not None and (debounce.max_seconds or debounce.seconds) < debounce.seconds:
        raise InvalidJobField(f"{where}.debounce.max_seconds", "at least debounce.seconds")
    if debounce is not None and limits.cache_seconds is not None:
        raise InvalidJobField(f"{where}.cache_seconds", "left out beside debounce")


def key_arguments(limits: Limits | None) -> Iterator[tuple[str, str]]:
    """Give the arguments that keys of `limits` name, each after the field of its key."""
    for name, template in _keys(limits):
        for argument in arguments_in(template):
            yield f"{name}.key", argument


def written_arguments(limits: Limits | None, known: Iterable[str]) -> set[str]:
    """Return the arguments whose defaults are written with a job: those that its limits compare.

    Else the same call with and without a default that is `known` would be two.
    """
    if limits is None:
        return set()
    unique = limits.unique
    by_arguments = unique is not None and unique.key is None and unique.by is UniqueBy.ARGS
    if by_arguments or limits.cache_seconds is not None:
        return set(known)
    return {argument for _, argument in key_arguments(limits)}


def _keys(limits: Limits | None) -> Iterator[tuple[str, str]]:
    for name in ("concurrency", "rate", "unique", "debounce"):
        template = getattr(getattr(limits, name, None), "key", None)
        if template is not None:
            yield name, template


def _check_counts(limits: Limits, where: str) -> None:
    concurrency, rate = limits.concurrency, limits.rate
    if concurrency is not None and not 1 <= concurrency.limit <= slots_max:
        raise InvalidJobField(f"{where}.concurrency.limit", f"between 1 and {slots_max}")
    if concurrency is not None and concurrency.waiting_max is not None:
        if not 0 <= concurrency.waiting_max <= waiting_max:
            raise InvalidJobField(f"{where}.concurrency.waiting_max", f"0 to {waiting_max}")
        if concurrency.strategy is not Strategy.QUEUE:
            raise InvalidJobField(
                f"{where}.concurrency.waiting_max", "left out where the strategy is not queue"
            )
    if rate is None:
        return
    if not 1 <= rate.limit <= tokens_max:
        raise InvalidJobField(f"{where}.rate.limit", f"between 1 and {tokens_max}")
    if rate.limit / rate.period_seconds > per_second_max:
        raise InvalidJobField(f"{where}.rate.limit", f"{per_second_max} per second at most")
    # A bucket refills within days_max at most, so that its times stay times.
    burst_max = max(1, min(tokens_max, int(seconds_max * rate.limit / rate.period_seconds)))
    if rate.burst is not None and not 1 <= rate.burst <= burst_max:
        raise InvalidJobField(f"{where}.rate.burst", f"between 1 and {burst_max}")


def _durations(limits: Limits) -> Iterator[tuple[str, float]]:
    parts = {
        "": (limits, _SECONDS),
        "rate.": (limits.rate, ("period_seconds",)),
        "unique.": (limits.unique, ("window_seconds",)),
        "debounce.": (limits.debounce, ("seconds", "max_seconds")),
    }
    for prefix, (part, names) in parts.items():
        for name in names:
            value = None if part is None else getattr(part, name)
            if value is not None:
                yield f"{prefix}{name}", value
