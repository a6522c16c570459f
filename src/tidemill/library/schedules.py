"""Schedules that a program keeps of its functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict

import msgspec

from tidemill.core.clock import from_datetime, to_datetime
from tidemill.jobs.code.functions.models import is_name
from tidemill.jobs.code.functions.registry import REGISTRY, Declared
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.limits.models import written_arguments
from tidemill.library.app import Tidemill
from tidemill.library.kinds import check_kinds
from tidemill.library.wishes import check_call, check_wishes

if TYPE_CHECKING:
    from tidemill.jobs.scheduling.schedules.models import Definition, Schedule

Arguments = Sequence[Any] | Mapping[str, Any]
_WISHES: Final = frozenset(
    {"tag", "priority", "timeout", "attempts", "every", "jitter", "after", "due_argument"}
)
_RUN: Final = "run"
_NOT_IN_PATHS: Final = re.compile(r"[^A-Za-z0-9_./-]")


class Named(Protocol):
    """A function of the program."""

    @property
    def name(self) -> str:
        """The name by which workers know it."""
        ...


class When(TypedDict, total=False):
    """What a schedule says besides its cron; what is left out has the default of the guide.

    `overlap`, `missed`, `after` and the others mean what they mean in `POST /api/v1/schedules`.
    A handler is another function of the program, which gets the run in its argument `run`.
    """

    every: float | timedelta
    at: datetime
    name: str
    zone: str
    args: Arguments
    due_argument: str
    enabled: bool
    start_at: datetime
    end_at: datetime
    calendar: str
    jitter: float
    overlap: str
    queue_max: int
    missed: str
    catch_up_max: int
    after: Sequence[str]
    on_success: Named
    on_failure: Named
    on_recovery: Named
    tag: str
    priority: int
    timeout: float
    attempts: int


class JobSchedule:
    """A schedule in the queue, by its name.

    >>> await charge.schedule(every=timedelta(hours=1), name="hourly", args=(7,))
    JobSchedule('hourly')
    """

    __slots__ = ("_app", "name")

    def __init__(self, app: Tidemill, name: str) -> None:
        self.name = name
        self._app = app

    async def next_at(self) -> datetime | None:
        """Return when it starts a job next; None when it never will, or rests.

        Raises `ScheduleNotFound` when it was deleted.

        >>> early = await charge.schedule("0 6 * * *", name="early", args=(7,))
        >>> (await early.next_at()).hour
        6
        """
        schedule = await (await _schedules(self._app)).get(self.name, tenant=self._app.tenant)
        if schedule.next_at is None or schedule.paused(from_datetime(datetime.now(UTC))):
            return None
        return to_datetime(schedule.next_at)

    async def pause(self, until: datetime | None = None) -> None:
        """Let it rest; what is due meanwhile is skipped.

        Raises `ScheduleInvalid` when `until` has passed, `ValueError` when it has no zone,
        `TypeError`, and `ScheduleNotFound`.

        >>> resting = await charge.schedule("0 6 * * *", name="resting", args=(7,))
        >>> await resting.pause(until=datetime.now(UTC) + timedelta(days=3))
        >>> await resting.next_at() is None
        True
        """
        check_wishes(until=until)
        instant = None if until is None else from_datetime(until)
        schedules = await _schedules(self._app)
        await schedules.pause(self.name, until=instant, tenant=self._app.tenant)

    async def resume(self) -> None:
        """End its rest; safe to repeat. Raises `ScheduleNotFound`.

        >>> rested = await charge.schedule("0 6 * * *", name="rested", args=(7,))
        >>> await rested.pause()
        >>> await rested.resume()
        >>> (await rested.next_at()).hour
        6
        """
        await (await _schedules(self._app)).resume(self.name, tenant=self._app.tenant)

    async def delete(self) -> None:
        """Remove it; its jobs stay.

        Raises `ScheduleInUse` when other schedules run after it, and `ScheduleNotFound`.

        >>> former = await charge.schedule("0 6 * * *", name="former", args=(7,))
        >>> await former.delete()
        >>> await former.next_at()
        Traceback (most recent call last):
        tidemill.jobs.schedule_errors.ScheduleNotFound: There is no schedule 'former'.
        """
        await (await _schedules(self._app)).delete(self.name, tenant=self._app.tenant)

    def __repr__(self) -> str:
        return f"JobSchedule({self.name!r})"


async def keep(app: Tidemill, declared: Declared, cron: str | None, when: When) -> JobSchedule:
    """Make, change or leave the schedule of a function as its program says."""
    fields: dict[str, Any] = dict(when)
    check_kinds(name=fields.get("name"), enabled=fields.get("enabled"))
    name = str(fields.pop("name", None) or _NOT_IN_PATHS.sub("/", declared.name))
    enabled = fields.pop("enabled", None) is not False
    definition = _definition(declared, cron, fields)
    schedules = await _schedules(app)
    kept: Schedule = await schedules.ensure(name, definition, enabled=enabled, tenant=app.tenant)
    return JobSchedule(app, kept.path)


def _definition(declared: Declared, cron: str | None, fields: dict[str, Any]) -> Definition:
    from tidemill.jobs.schedule_errors import ScheduleInvalid  # noqa: PLC0415 - importing stays cheap
    from tidemill.jobs.scheduling.schedules.models import (  # noqa: PLC0415 - as above
        Definition,
        Missed,
        Overlap,
    )

    check_wishes(**{name: fields[name] for name in _WISHES & fields.keys()})
    for name, choices in (("overlap", Overlap), ("missed", Missed)):
        if name in fields and fields[name] not in list(choices):
            reason = f"must be one of {', '.join(choices)}, not {fields[name]!r}."
            raise ScheduleInvalid(name, reason)
    every, at = fields.pop("every", None), fields.pop("at", None)
    seconds = every.total_seconds() if isinstance(every, timedelta) else every
    trigger = {
        "cron": cron,
        "every_seconds": None if seconds is None else _whole(seconds, "every"),
        "at": at,
        "zone": fields.pop("zone", "UTC"),
    }
    options = declared.options
    timeout = fields.pop("timeout", None) or options.timeout_seconds
    known: dict[str, Any] = {
        "function": declared.name,
        "args": _arguments(declared, fields.pop("args", ()), fields.get("due_argument")),
        "trigger": {name: value for name, value in trigger.items() if value is not None},
        "tag": fields.pop("tag", options.tag),
        "priority": fields.pop("priority", options.priority),
        "attempts_max": fields.pop("attempts", options.attempts_max),
        "timeout_seconds": None if timeout is None else max(1, round(timeout)),
        "jitter_seconds": _whole(fields.pop("jitter", 0), "jitter"),
        "after": [{"path": path} for path in fields.pop("after", None) or ()],
        "days": {"calendar": fields.pop("calendar", "every-day")},
        **{
            handler: {"function": _handler(handler, fields.pop(handler))}
            for handler in ("on_success", "on_failure", "on_recovery")
            if handler in fields
        },
        **fields,
    }
    unknown = known.keys() - set(Definition.__struct_fields__)
    if unknown:
        words = {*When.__annotations__, *Definition.__struct_fields__}
        near = get_close_matches(min(unknown), sorted(words), n=1)
        meant = f"; did you mean {near[0]}?" if near else "."
        raise ScheduleInvalid(min(unknown), f"a schedule has no such field{meant}")
    # Checked here as a body of the API would be, with the field's name in the error.
    try:
        return msgspec.convert(known, Definition, builtin_types=(datetime,))
    except msgspec.ValidationError as error:
        reason, _, field = str(error).partition(" - at `$.")
        raise ScheduleInvalid(field.removesuffix("`") or "schedule", f"{reason}.") from None


def _handler(field: str, handler: object) -> str:
    name = getattr(handler, "name", None)
    if not isinstance(name, str) or not is_name(name):
        raise TypeError(f"{field} must be a function with @tidemill.job, not {handler!r}.")
    from tidemill.jobs.schedule_errors import ScheduleInvalid  # noqa: PLC0415 - as above

    known = REGISTRY.all().get(name)
    if known is not None:
        try:
            known.signature.check_names({_RUN})
        except ArgumentsInvalid as error:
            reason = f"{name} is given the run in its argument {_RUN}. {error.message}"
            raise ScheduleInvalid(field, reason) from None
    return name


def _arguments(declared: Declared, args: Arguments, due: str | None) -> dict[str, Any]:
    check_call(args, "args")
    by_name = dict(args) if isinstance(args, Mapping) else {}
    by_position = () if isinstance(args, Mapping) else args
    if due is not None:
        # Given anew at each due time; here it stands for those, so that the rest can be checked.
        by_name[due] = datetime.now(UTC)
    written = written_arguments(declared.options.limits, declared.signature.names)
    plain = declared.signature.encode(by_position, by_name, written=written)
    encoded: dict[str, Any] = msgspec.json.decode(plain)
    if due is not None:
        encoded.pop(due, None)
    return encoded


def _whole(seconds: float, name: str) -> int:
    if not float(seconds).is_integer():
        raise ValueError(f"{name} is a whole number of seconds, not {seconds:g}.")
    return int(seconds)


async def _schedules(app: Tidemill) -> Any:
    from tidemill.runtime.queue.schedules import QueueSchedules  # noqa: PLC0415 - as above

    return QueueSchedules(await app.open())
