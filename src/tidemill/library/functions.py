"""`@tidemill.job`: functions that run as jobs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, overload

import msgspec
from msgspec import structs

from tidemill.core.clock import from_datetime
from tidemill.jobs.code.functions.models import FunctionOptions, Retry
from tidemill.jobs.code.functions.registry import REGISTRY, Declared
from tidemill.jobs.contract import JobId, JobRequest
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.limits.models import Limits, written_arguments
from tidemill.jobs.requirements.models import Requires
from tidemill.library.app import Tidemill
from tidemill.library.borrowing import Borrowed, enqueue_in, enqueue_in_sync
from tidemill.library.handles import JobHandle
from tidemill.library.kinds import moment_of
from tidemill.library.schedules import JobSchedule, When, keep
from tidemill.library.wishes import Wishes, check_call, check_heartbeat, check_wishes

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Arguments = Sequence[Any] | Mapping[str, Any]
"""The arguments of one call: by position, or by name."""


class Enqueuer(Generic[P, T]):
    """Enqueues calls of one function."""

    def __init__(self, declared: Declared, app: Tidemill | None, wishes: Wishes) -> None:
        self._declared = declared
        self._app = app
        self._wishes = wishes

    @property
    def name(self) -> str:
        """The name by which workers know the function: `package.module:name`.

        >>> charge.name
        'shop.tasks:charge'
        """
        return self._declared.name

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[T]:
        """Return once the job is durable.

        Raises `ArgumentsInvalid`, which names the argument, `ArgumentsTooLarge`, `InvalidJobField`
        for an option outside its bounds, `JobIdTaken` when its id belongs to another call,
        `QueueFull`, `LimitKeyUnclear` and `JobNotUnique` by its limits, and
        `RequirementWithoutEffect` and `NoWorkerCouldRun` by what it asks of a worker.

        >>> job = await charge.enqueue(7, cents=250)
        >>> await job.result(timeout=60)
        250
        >>> await charge.enqueue("seven")
        Traceback (most recent call last):
        tidemill.jobs.errors.ArgumentsInvalid: args.number: Expected `int`, got `str`.
        """
        app = self._queue_app()
        queue = await app.open()
        job = await queue.enqueue(self._request(args, kwargs), tenant=app.tenant)
        return self.handle(job.public_id)

    async def enqueue_many(self, calls: Iterable[Arguments]) -> list[JobHandle[T]]:
        """Enqueue many calls; all arguments are checked before the first is enqueued.

        Raises `ArgumentsInvalid`, which names the call by its place, from 0, `TypeError` for what
        is no call, `ValueError` when `options` gave an id, and the rest of what `enqueue` does.

        >>> jobs = await charge.enqueue_many([(7,), {"number": 8, "cents": 250}])
        >>> [await job.result(timeout=60) for job in jobs]
        [100, 250]
        >>> await charge.enqueue_many([(7,), ("eight",)])
        Traceback (most recent call last):
        tidemill.jobs.errors.ArgumentsInvalid: calls[1].args.number: Expected `int`, got `str`.
        """
        app = self._queue_app()
        if self._wishes.id is not None:
            raise ValueError("One id cannot stand for many jobs; leave it out of options().")
        arguments = [self._encoded(call, f"calls[{place}]") for place, call in enumerate(calls)]
        queue = await app.open()
        ids = await queue.enqueue_alike(self._request_with({}), arguments, tenant=app.tenant)
        signature = self._declared.signature
        return [JobHandle(app, job_id, signature) for job_id in ids]

    def enqueue_sync(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[T]:
        """See `enqueue`; for programs without an event loop."""
        return self._queue_app().run(lambda: self.enqueue(*args, **kwargs))

    def enqueue_many_sync(self, calls: Iterable[Arguments]) -> list[JobHandle[T]]:
        """See `enqueue_many`."""
        return self._queue_app().run(lambda: self.enqueue_many(calls))

    async def enqueue_in(
        self, connection: Any, /, *args: P.args, **kwargs: P.kwargs
    ) -> JobHandle[T]:
        """Enqueue within the transaction that is open on the program's own connection.

        The job exists when that commits, and never otherwise. On PostgreSQL the queue lies in the
        same database; a SQLite file of the program keeps the job in `tidemill_outbox` until the
        worker carries it over. Raises `NotInTransaction`, `ConnectionUnknown` for what is no
        connection, `WrongDatabase` when the queue lies elsewhere, `OutboxMissing` before
        `create_outbox`, and what `enqueue` does.

        >>> connection = sqlite3.connect("shop.db")
        >>> with connection:
        ...     tidemill.create_outbox(connection)
        ...     job = await charge.enqueue_in(connection, 7)
        >>> connection.close()
        >>> await job.result(timeout=60)
        100
        """
        request = self._request(args, kwargs)
        return self._borrowed(await enqueue_in(self._queue_app(), connection, request))

    def enqueue_in_sync(
        self, connection: Any, /, *args: P.args, **kwargs: P.kwargs
    ) -> JobHandle[T]:
        """See `enqueue_in`; for a synchronous connection, such as Django's."""
        request = self._request(args, kwargs)
        return self._borrowed(enqueue_in_sync(self._queue_app(), connection, request))

    def _borrowed(self, job: Borrowed) -> JobHandle[T]:
        signature = self._declared.signature
        return JobHandle(self._queue_app(), job.job_id, signature, comes_later=job.comes_later)

    async def schedule(self, cron: str | None = None, /, **fields: Unpack[When]) -> JobSchedule:
        """Keep a schedule of this function; safe to repeat, as at each start of the program.

        `cron` has 5 or 6 fields; instead of it `every` says an interval, `at` one instant. The
        schedule is found by `name`, by default the function's: the same again changes nothing,
        another definition replaces it. Raises `ScheduleInvalid`, which names the field,
        `InvalidSchedulePath`, `ScheduleCycle`, `TooManySchedules`, `TypeError` and `ValueError` for
        what no schedule can be given, and for its jobs what `enqueue` does.

        >>> daily = await charge.schedule("0 6 * * 1-5", zone="Europe/Berlin", args=(7,))
        >>> await charge.schedule("0 6 * *", args=(7,))
        Traceback (most recent call last):
        tidemill.jobs.schedule_errors.ScheduleInvalid: trigger.cron: '0 6 * *' has 4 fields; ...
        """
        return await keep(self._queue_app(), self._declared, cron, fields)

    def schedule_sync(self, cron: str | None = None, /, **fields: Unpack[When]) -> JobSchedule:
        """See `schedule`."""
        return self._queue_app().run(lambda: self.schedule(cron, **fields))

    def handle(self, job_id: str) -> JobHandle[T]:
        """Return the handle of a job of this function, from its id.

        >>> job = await charge.enqueue(7)
        >>> await charge.handle(job.id).result(timeout=60)
        100
        """
        return JobHandle(self._queue_app(), JobId(job_id), self._declared.signature)

    def options(  # noqa: PLR0913 - one for each thing that an enqueue may say
        self,
        *,
        id: str | None = None,  # noqa: A002 - the word that people expect
        tag: str | None = None,
        priority: int | None = None,
        run_at: datetime | timedelta | None = None,
        timeout: float | None = None,
        attempts: int | None = None,
        limits: Limits | None = None,
        requires: Requires | None = None,
        affinity_key: str | None = None,
        labels: Sequence[str] | None = None,
        app: Tidemill | None = None,
    ) -> Enqueuer[P, T]:
        """Return what enqueues with these wishes; `run_at` is an instant, or a time from now.

        The same `id` never runs twice: a second enqueue gives the same job. `limits` hold before
        those of the function. `requires` is what its worker must have, and jobs with the same
        `affinity_key` go to the same worker: for tags that `Tidemill.set_strategy` has told so.
        By `labels` the job is found again, as with `Jobs.list(label=…)`.
        `app` is another queue. Raises `TypeError` and `ValueError` for what none of them can be,
        and `InvalidJobField` for limits and requirements that cannot hold.

        >>> later = charge.options(run_at=timedelta(hours=1), labels=["customer:acme"])
        >>> await (await later.enqueue(7)).state()
        <JobState.SCHEDULED: 'scheduled'>
        >>> charge.options(attempts=0)
        Traceback (most recent call last):
        ValueError: attempts must be 1 or more, not 0.
        """
        check_wishes(
            id=id,
            tag=tag,
            priority=priority,
            run_at=run_at,
            timeout=timeout,
            attempts=attempts,
            limits=limits,
            requires=requires,
            affinity_key=affinity_key,
            labels=labels,
            app=app,
        )
        given = Wishes(
            id=id,
            tag=tag,
            priority=priority,
            run_at=None if run_at is None else moment_of("run_at", run_at),
            timeout=timeout,
            attempts=attempts,
            limits=limits,
            requires=requires,
            affinity_key=affinity_key,
            labels=None if labels is None else tuple(labels),
        )
        known = {name: value for name, value in structs.asdict(given).items() if value is not None}
        wishes = structs.replace(self._wishes, **known)
        check_heartbeat(wishes, self._declared.options.timeout_seconds)
        return Enqueuer(self._declared, app or self._app, wishes)

    def _queue_app(self) -> Tidemill:
        return self._app or Tidemill.own()

    def _encoded(self, call: Arguments, where: str) -> bytes:
        check_call(call, where)
        try:
            return self._encode((), call) if isinstance(call, Mapping) else self._encode(call, {})
        except ArgumentsInvalid as wrong:
            raise wrong.within(where) from None

    def _encode(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        signature = self._declared.signature
        written = written_arguments(self._limits(), signature.names)
        return signature.encode(args, kwargs, written=written)

    def _request(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> JobRequest:
        encoded = self._encode(args, kwargs)
        return self._request_with({} if encoded == b"{}" else msgspec.json.decode(encoded))

    def _request_with(self, arguments: dict[str, Any]) -> JobRequest:
        wishes, options = self._wishes, self._declared.options
        seconds = wishes.timeout if wishes.timeout is not None else options.timeout_seconds
        return JobRequest(
            function=self._declared.name,
            args=arguments,
            id=wishes.id,
            tag=wishes.tag or options.tag,
            priority=options.priority if wishes.priority is None else wishes.priority,
            run_at=None if wishes.run_at is None else from_datetime(wishes.run_at),
            timeout_seconds=None if seconds is None else max(1, round(seconds)),
            attempts_max=wishes.attempts or options.attempts_max,
            requires=wishes.requires,
            affinity_key=wishes.affinity_key,
            labels=wishes.labels or (),
            limits=self._limits_within(seconds),
        )

    def _limits_within(self, seconds: float | None) -> Limits | None:
        """Return the limits of an enqueue whose timeout may be shorter than the function's."""
        limits, wished = self._limits(), self._wishes.limits
        said = wished is not None and wished.heartbeat_timeout_seconds is not None
        return limits if limits is None or seconds is None or said else limits.within(seconds)

    def _limits(self) -> Limits | None:
        wished, deployed = self._wishes.limits, self._declared.options.limits
        return deployed if wished is None else wished.over(deployed)


class JobFunction(Enqueuer[P, T], Generic[P, R, T]):
    """A function that can be called as always, and enqueued. `R` is what a call returns.

    >>> await charge(7)
    100
    >>> await (await charge.enqueue(7)).result(timeout=60)
    100
    """

    def __init__(self, call: Callable[P, R], declared: Declared, app: Tidemill | None) -> None:
        super().__init__(declared, app, Wishes())
        self._call = call
        functools.update_wrapper(self, call)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function here and now."""
        return self._call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<job {self.name}>"


class Decorator(Protocol):
    """What `@job(…)` with options is."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> JobFunction[P, Coroutine[Any, Any, T], T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> JobFunction[P, T, T]: ...


@overload
def job(
    function: Callable[P, Coroutine[Any, Any, T]], /
) -> JobFunction[P, Coroutine[Any, Any, T], T]: ...
@overload
def job(function: Callable[P, T], /) -> JobFunction[P, T, T]: ...
@overload
def job(
    *,
    name: str | None = None,
    tag: str | None = None,
    attempts: int | None = None,
    timeout: float | None = None,
    priority: int = 0,
    retry: Retry | None = None,
    limits: Limits | None = None,
    app: Tidemill | None = None,
) -> Decorator: ...


def job(  # noqa: PLR0913 - one for each thing that holds for a function's jobs
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    tag: str | None = None,
    attempts: int | None = None,
    timeout: float | None = None,
    priority: int = 0,
    retry: Retry | None = None,
    limits: Limits | None = None,
    app: Tidemill | None = None,
) -> Any:
    """Declare a function as a job; use it as `@job` or `@job(attempts=5)`.

    `name` is its name within its module, or a whole one such as `shop.tasks:send_mail`. `timeout`
    is in seconds. With `retry` and without `attempts` there are ten attempts. `limits` says how
    many of its jobs run at once, how often, and more. `app` is where its jobs go when that is
    not the program's own queue. Raises `TypeError` and `ValueError` for what none of them can be,
    `InvalidJobField` for limits that cannot hold, `SignatureUnusable` for a function that takes
    arguments without names, and `FunctionNameTaken`.

    >>> @tidemill.job(attempts=5, retry=tidemill.Retry(on=(ConnectionError,)))
    ... def invoice(number: int) -> str:
    ...     return f"Invoice {number}"
    >>> invoice.name, invoice(7)
    ('shop.tasks:invoice', 'Invoice 7')
    >>> @tidemill.job
    ... def total(*cents: int) -> int:
    ...     return sum(cents)
    Traceback (most recent call last):
    tidemill.jobs.code.functions.signatures.SignatureUnusable: total takes *cents: int: ...
    """
    check_wishes(
        name=name,
        tag=tag,
        attempts=attempts,
        timeout=timeout,
        priority=priority,
        retry=retry,
        limits=limits,
        app=app,
    )
    if function is not None and not callable(function):
        raise TypeError(f"@tidemill.job takes a function, not {function!r}; name it by name=….")
    options = FunctionOptions(
        tag=tag,
        priority=priority,
        attempts_max=attempts if attempts is not None or retry is None else attempts_with_retry,
        timeout_seconds=None if timeout is None else max(1, round(timeout)),
        retry=retry,
        limits=limits,
    )

    def declare(call: Callable[..., Any]) -> JobFunction[..., Any, Any]:
        declared = REGISTRY.get(REGISTRY.declare(call, name, options))
        return JobFunction(call, declared, app)

    return declare if function is None else declare(function)


attempts_with_retry = 10
