"""Limits as people set them, with a script, a function or a job; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.forms import check_forms
from tidemill.jobs.limits.keys import arguments_in, check_template

days_max: Final = 366
seconds_max: Final = days_max * 86_400
slots_max: Final = 100_000
waiting_max: Final = 1_000_000
per_second_max: Final = 10_000
tokens_max: Final = 1_000_000
_instant_max: Final = 253_402_300_799 * MICROSECONDS_PER_SECOND
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
    """The job that there is."""
    REFUSE = "refuse"
    """`JobNotUnique`."""


class _Rule(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One limit. Each `key` may hold places such as `{args.customer_id}`."""


class Concurrency(_Rule, frozen=True, kw_only=True):
    """How many jobs of a key may run at once; without a key those of the script or function.

    Where `waiting_max` stand in line already, another one is cancelled.

    >>> newest = tidemill.Strategy.CANCEL_RUNNING
    >>> one = tidemill.Concurrency(limit=1, key="{args.number}", strategy=newest)
    >>> fresh = charge.options(limits=tidemill.Limits(concurrency=one))
    """

    limit: int = 1
    key: str | None = None
    strategy: Strategy = Strategy.QUEUE
    waiting_max: int | None = None


class Rate(_Rule, frozen=True, kw_only=True):
    """How many jobs of a key may start in any period, spread over it.

    With a `burst` so many may start at once, and as many more in one period, less one.

    >>> hundred = tidemill.Rate(limit=100, period_seconds=60)
    >>> slow = charge.options(limits=tidemill.Limits(rate=hundred))
    """

    limit: int
    period_seconds: float = 1.0
    key: str | None = None
    burst: int | None = None

    @property
    def interval_microseconds(self) -> int:
        """Return the time between two starts; rounded up, so that the rate is never above.

        >>> tidemill.Rate(limit=100, period_seconds=60).interval_microseconds
        600000
        """
        # What starts at once by itself is taken off, so that no period has more than the limit.
        spread = self.limit if self.burst is not None else self.limit - self.tokens + 1
        return -int(-self.period_seconds * MICROSECONDS_PER_SECOND // spread)

    @property
    def tokens(self) -> int:
        """Return how many jobs may start at once: one, or what a dispatcher lets go at a look.

        >>> tidemill.Rate(limit=100).tokens, tidemill.Rate(limit=100, burst=20).tokens
        (5, 20)
        """
        if self.burst is not None:
            return self.burst
        at_a_look = int(self.limit * _look_seconds / self.period_seconds)
        return max(1, min(at_a_look, (self.limit + 1) // 2))


class Unique(_Rule, frozen=True, kw_only=True):
    """Of jobs with the same key one exists: while it lives, or for a time from its enqueue on.

    Where `on_conflict` is to refuse, a second enqueue raises `JobNotUnique`.

    >>> one = tidemill.Unique(by=tidemill.UniqueBy.ALL, on_conflict=tidemill.OnConflict.REFUSE)
    >>> later = charge.options(run_at=timedelta(hours=1), limits=tidemill.Limits(unique=one))
    >>> job = await later.enqueue(7)
    >>> await later.enqueue(8)
    Traceback (most recent call last):
    tidemill.jobs.limit_errors.JobNotUnique: ...
    """

    by: UniqueBy = UniqueBy.ARGS
    key: str | None = None
    window_seconds: float | None = None
    on_conflict: OnConflict = OnConflict.RETURN_EXISTING


class Debounce(_Rule, frozen=True, kw_only=True):
    """A job starts after a pause in its key; each further one takes the place of the first.

    >>> pause = tidemill.Debounce(seconds=5, key="{args.number}", max_seconds=60)
    >>> late = charge.options(limits=tidemill.Limits(debounce=pause))
    """

    seconds: float
    key: str | None = None
    max_seconds: float | None = None


class Limits(_Rule, frozen=True, kw_only=True):
    """What holds jobs back, or lets them go; what is None does not hold.

    Whoever takes them, `@tidemill.job`, `options` or an enqueue, raises `InvalidJobField`, which
    names the first field that cannot hold, or has another type.

    >>> charge.options(limits=tidemill.Limits(ttl_seconds=0))
    Traceback (most recent call last):
    tidemill.jobs.errors.InvalidJobField: limits.ttl_seconds must be between 0.001 and ...
    >>> charge.options(limits=tidemill.Limits(concurrency=5))
    Traceback (most recent call last):
    tidemill.jobs.errors.InvalidJobField: limits.concurrency must be a tidemill.Concurrency, not 5.
    """

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
        """Return these limits, and those of `base` where these say nothing.

        >>> base = tidemill.Limits(ttl_seconds=60, cache_seconds=5)
        >>> tidemill.Limits(ttl_seconds=10).over(base).to_json()
        '{"ttl_seconds":10,"cache_seconds":5}'
        """
        if base is None:
            return self
        said = {name: value for name in _NAMES if (value := getattr(self, name)) is not None}
        return structs.replace(base, **said).consistent()

    def consistent(self) -> Limits:
        """Return these limits with a result that answers no longer than it is kept.

        >>> tidemill.Limits(cache_seconds=60, result_ttl_seconds=5).consistent().cache_seconds
        5
        """
        kept, cached = self.result_ttl_seconds, self.cache_seconds
        if kept is None or cached is None or cached <= kept:
            return self
        return structs.replace(self, cache_seconds=kept)

    def within(self, timeout_seconds: float) -> Limits:
        """Return these limits without what has no effect in a run that may take so long.

        >>> tidemill.Limits(heartbeat_timeout_seconds=60).within(30).to_json() is None
        True
        """
        seconds = self.heartbeat_timeout_seconds
        if seconds is None or seconds < timeout_seconds:
            return self
        return structs.replace(self, heartbeat_timeout_seconds=None)

    def to_json(self) -> str | None:
        """Return the limits as JSON, or None when there are none.

        >>> tidemill.Limits(rate=tidemill.Rate(limit=5)).to_json()
        '{"rate":{"limit":5}}'
        """
        text = msgspec.json.encode(self).decode()
        return None if text == "{}" else text

    def expires_after(self, created_at: int, due_at: int) -> int | None:
        """Return when a job that no worker has taken is given up; instants are microseconds.

        >>> tidemill.Limits(ttl_seconds=60).expires_after(created_at=0, due_at=0)
        60000000
        """
        ends = [
            start + int(seconds * MICROSECONDS_PER_SECOND)
            for start, seconds in (
                (created_at, self.ttl_seconds),
                (due_at, self.queue_timeout_seconds),
            )
            if seconds is not None
        ]
        # What is later than any date could be kept, and not be shown.
        return min(*ends, _instant_max) if ends else None


_NAMES: Final = Limits.__struct_fields__
_SECONDS: Final = tuple(name for name in _NAMES if name.endswith("_seconds"))
_decoder: Final = msgspec.json.Decoder(Limits)


def limits_of(text: str) -> Limits:
    """Return limits from their JSON."""
    return _decoder.decode(text)


def check_limits(limits: Limits, *, where: str = "limits") -> None:
    """Raise `InvalidJobField` with the first field that is wrong."""
    # What a program makes by hand has had nobody who looks at types.
    check_forms(limits, where=where)
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
    _check_beside_ttl(limits, where)
    if debounce is not None and limits.cache_seconds is not None:
        raise InvalidJobField(f"{where}.cache_seconds", "left out beside debounce")
    kept, cached = limits.result_ttl_seconds, limits.cache_seconds
    if kept is not None and cached is not None and cached > kept:
        raise InvalidJobField(
            f"{where}.cache_seconds",
            "at most result_ttl_seconds: no result answers once it is gone",
        )


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


def _check_beside_ttl(limits: Limits, where: str) -> None:
    """Raise `InvalidJobField` for what the time to live leaves no room for."""
    ttl, debounce = limits.ttl_seconds, limits.debounce
    if ttl is None:
        return
    if debounce is not None and debounce.seconds >= ttl:
        raise InvalidJobField(
            f"{where}.debounce.seconds", "less than ttl_seconds: no attempt would ever begin"
        )
    if limits.queue_timeout_seconds is not None and limits.queue_timeout_seconds >= ttl:
        raise InvalidJobField(
            f"{where}.queue_timeout_seconds", "less than ttl_seconds, or it would have no effect"
        )


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
