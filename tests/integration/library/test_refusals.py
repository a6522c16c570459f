"""What a program cannot say of its jobs is refused where it says so, in its own words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import tidemill
from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tidemill import JobFailed
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.errors import ArgumentsInvalid, InvalidJobField
from tidemill.jobs.schedule_errors import ScheduleInvalid
from tidemill.jobs.strategy_errors import InvalidStrategy

seconds = 60.0
on_sqlite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""For what both databases have no part in."""


@pytest.fixture(autouse=True)
def own_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no other test see the functions of this one."""
    monkeypatch.setattr(REGISTRY, "_declared", dict(REGISTRY.all()))


def of(value: Any) -> Any:
    """Return a value that the types of the library forbid."""
    return value


def _declare(**options: Any) -> object:
    def sail() -> None: ...

    return tidemill.job(name="tests.fixtures.shop:sail", **options)(sail)


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        ({"retry": 3}, TypeError, r"retry must be a tidemill\.Retry, not 3\."),
        ({"attempts": "2"}, TypeError, r"attempts must be a whole number, not '2'\."),
        ({"attempts": 0}, ValueError, r"attempts must be 1 or more, not 0\."),
        ({"attempts": 10**9}, ValueError, r"attempts must be 100 at most, not 1000000000\."),
        ({"tag": "a b"}, ValueError, r"tag must be 1 to 63 of .*, not 'a b'\."),
        ({"tag": ""}, ValueError, r"tag must be 1 to 63 of .*, not ''\."),
        ({"priority": 101}, ValueError, r"priority must be between -100 and 100, not 101\."),
        ({"timeout": "x"}, TypeError, r"timeout must be a number of seconds, not 'x'\."),
        ({"timeout": -1}, ValueError, r"timeout must be more than 0 seconds, not -1\."),
        ({"priority": "hi"}, TypeError, r"priority must be a whole number, not 'hi'\."),
        ({"limits": {"rate": 1}}, TypeError, r"limits must be a tidemill\.Limits, not {"),
    ],
    ids=str,
)
def test_job_integration_refuses_options_that_cannot_be(
    options: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        _declare(**options)


@pytest.mark.parametrize(
    ("wishes", "kind", "reason"),
    [
        ({"attempts": 0}, ValueError, r"attempts must be 1 or more, not 0\."),
        ({"attempts": 10**9}, ValueError, r"attempts must be 100 at most, not 1000000000\."),
        ({"tag": "a b"}, ValueError, r"tag must be 1 to 63 of .*, not 'a b'\."),
        ({"tag": ""}, ValueError, r"tag must be 1 to 63 of .*, not ''\."),
        ({"priority": 101}, ValueError, r"priority must be between -100 and 100, not 101\."),
        ({"timeout": 0}, ValueError, r"timeout must be more than 0 seconds, not 0\."),
        ({"timeout": "x"}, TypeError, r"timeout must be a number of seconds, not 'x'\."),
        ({"priority": "hi"}, TypeError, r"priority must be a whole number, not 'hi'\."),
        ({"run_at": "tomorrow"}, TypeError, r"run_at must be a datetime .*, not 'tomorrow'\."),
        ({"limits": {"rate": 1}}, TypeError, r"limits must be a tidemill\.Limits, not {"),
        ({"requires": ["gpu"]}, TypeError, r"requires must be a tidemill\.Requires, not \["),
        ({"id": 7}, TypeError, r"id must be text, not 7\."),
        ({"labels": "quay"}, TypeError, r"labels must be a list of texts, not 'quay'\."),
        ({"labels": [7]}, TypeError, r"labels must be a list of texts, not \[7\]\."),
        (
            {"timeout": 60, "limits": tidemill.Limits(heartbeat_timeout_seconds=60)},
            InvalidJobField,
            r"limits\.heartbeat_timeout_seconds must be less than timeout, 60, or",
        ),
        ({"attempts": True}, TypeError, r"attempts must be a whole number, not True\."),
        ({"timeout": float("nan")}, ValueError, r"timeout must be a number of seconds, not nan\."),
        ({"run_at": timedelta(days=10**8)}, ValueError, r"run_at must lie between the years"),
        (
            {"requires": tidemill.Requires(cpu=of("2"))},
            InvalidJobField,
            r"requires\.cpu must be a n",
        ),
        (
            {"requires": tidemill.Requires(memory_mib=of(1.5))},
            InvalidJobField,
            r"requires\.memory_mib must be a whole number, not 1\.5\.",
        ),
        (
            {"requires": tidemill.Requires(labels=of("gpu"))},
            InvalidJobField,
            r"requires\.labels must be a tuple of texts, not 'gpu'\.",
        ),
        (
            {"requires": tidemill.Requires(labels=of([7]))},
            InvalidJobField,
            r"requires\.labels must be a tuple of texts, not \[7\]\.",
        ),
    ],
    ids=str,
)
def test_options_integration_refuse_what_cannot_be(
    wishes: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        program.double.options(**wishes)


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        ({"database": 7}, TypeError, r"database must be text or a path, not 7\."),
        ({"tenant": None}, TypeError, r"tenant must be text, not None\."),
        ({"state": 7}, TypeError, r"state must be text or a path, not 7\."),
        ({"outboxes": "shop.db"}, TypeError, r"outboxes must be a list of files, not 'shop\.db'"),
    ],
    ids=str,
)
def test_tidemill_integration_refuses_what_cannot_be(
    options: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        tidemill.Tidemill(**options)


@pytest.mark.parametrize(
    ("fields", "kind", "reason"),
    [
        ({"seconds": True}, TypeError, r"Retry\.seconds must be a number, not True\."),
        (
            {"seconds": 7200},
            ValueError,
            r"seconds_max must be at least Retry\.seconds, 7200, not 36",
        ),
        ({"on": [OSError]}, TypeError, r"Retry\.on must be a tuple of exception types"),
    ],
    ids=str,
)
def test_retry_integration_refuses_what_cannot_be(
    fields: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        tidemill.Retry(**fields)


@on_sqlite
@pytest.mark.anyio
async def test_calls_integration_refuse_what_cannot_be(shop: Shop) -> None:
    jobs = tidemill.Jobs(shop.app)
    later = program.double.options(app=shop.app, run_at=timedelta(hours=1))
    job = jobs.handle((await later.enqueue(1)).id)
    calls: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: jobs.get(of(None)), TypeError, r"job_id must be text, not None\."),
        (lambda: jobs.list(limit=of("x")), TypeError, r"limit must be a whole number, not 'x'\."),
        (lambda: jobs.list(path=of(7)), TypeError, r"path must be text, not 7\."),
        (lambda: jobs.list(state=of([])), InvalidJobField, r"state must be one of scheduled"),
        (
            lambda: jobs.list(since=of("noon")),
            TypeError,
            r"since must be a datetime .*, not 'noon'",
        ),
        (lambda: jobs.cancel(tag="a", dry_run=of(1)), TypeError, r"dry_run must be True or False"),
        (lambda: job.result(of("x")), TypeError, r"timeout must be a number of seconds, not 'x'\."),
        (lambda: job.rerun(of("x")), TypeError, r"args must be arguments by name, .*, not 'x'\."),
        (
            lambda: job.rerun({"number": of(job)}),
            ArgumentsInvalid,
            r"args: They have no form in JS",
        ),
        (lambda: job.snooze(True), TypeError, r"delay must be a number of seconds or a timedelta"),
        (
            lambda: shop.app.set_strategy("mail", weights=of([1])),
            InvalidStrategy,
            r"weights must be whole numbers by tenant",
        ),
        (
            lambda: shop.app.set_strategy("mail", **of({"wait": 1})),
            InvalidStrategy,
            r"wait must be left out: a strategy has no such field",
        ),
        (lambda: shop.app.worker(slots=0).__aenter__(), ValueError, r"slots must be between 1 and"),
        (lambda: shop.app.worker(threads=of("x")).__aenter__(), TypeError, r"threads must be a wh"),
    ]

    for call, kind, reason in calls:
        with pytest.raises(kind, match=reason):
            await call()


@pytest.mark.parametrize("seconds", ["soon", float("inf"), True])
def test_retry_after_integration_takes_numbers_only(seconds: Any) -> None:
    with pytest.raises(TypeError, match=r"RetryAfter takes a number of seconds, not "):
        tidemill.RetryAfter(seconds)


@on_sqlite
@pytest.mark.anyio
@pytest.mark.parametrize("call", [2, "2", None])
async def test_enqueue_many_integration_names_what_is_no_call(shop: Shop, call: Any) -> None:
    double = program.double.options(app=shop.app)

    with pytest.raises(TypeError, match=rf"calls\[1\] must be the arguments.*, not {call!r}\."):
        await double.enqueue_many([(1,), call])


@on_sqlite
@pytest.mark.anyio
async def test_enqueue_many_integration_names_the_call_whose_arguments_are_wrong(
    shop: Shop,
) -> None:
    double = program.double.options(app=shop.app)

    with pytest.raises(
        ArgumentsInvalid, match=r"^calls\[2\]\.args\.number: Expected `int`"
    ) as wrong:
        await double.enqueue_many([(1,), {"number": 2}, ("x",)])

    assert wrong.value.param == "calls[2].args.number"


@on_sqlite
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "kind", "reason"),
    [
        ({"overlap": "skipp"}, ScheduleInvalid, r"overlap: must be one of allow, skip, .*'skipp'"),
        ({"missed": 1}, ScheduleInvalid, r"missed: must be one of skip, last, all, not 1\."),
        ({"queue_max": 0}, ScheduleInvalid, r"queue_max: Expected `int` >= 1\."),
        (
            {"overlapp": "skip"},
            ScheduleInvalid,
            r"overlapp: a schedule has no such field; .* overlap\?",
        ),
        ({"on_failure": print}, TypeError, r"on_failure must be a function with @tidemill\.job"),
        ({"queue_max": 5}, ScheduleInvalid, r"queue_max: it counts with overlap queue_all"),
        (
            {"on_failure": program.double},
            ScheduleInvalid,
            r"on_failure: .*:double is given the run in its argument run\. .*it takes \(number",
        ),
        ({"timeout": "x"}, TypeError, r"timeout must be a number of seconds, not 'x'\."),
        ({"every": "1h"}, TypeError, r"every must be a number of seconds or a timedelta"),
        ({"args": 5}, TypeError, r"args must be the arguments of one call, .*, not 5\."),
        ({"name": 7}, TypeError, r"name must be text, not 7\."),
        ({"after": "daily"}, TypeError, r"after must be a list of texts, not 'daily'\."),
        ({"enabled": "no"}, TypeError, r"enabled must be True or False, not 'no'\."),
        ({"every": float("nan")}, ValueError, r"every must be a number of seconds or a timedelta"),
    ],
    ids=str,
)
async def test_schedule_integration_refuses_what_cannot_be(
    shop: Shop, fields: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    wanted: Any = {"every": 60, "args": (1,), **fields}

    with pytest.raises(kind, match=reason):
        await program.double.options(app=shop.app).schedule(**wanted)


class BrokenRule(tidemill.Retry, frozen=True):
    def delay(self, attempt: int, jitter: float) -> float:
        raise ZeroDivisionError(f"no wait after {attempt}")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise LookupError("no words")


class Unfoldable:
    def model_dump(self, mode: str) -> object:
        raise LookupError(f"no {mode}")


async def raise_in_the_loop() -> None:
    raise OSError("no tide")


def raise_in_a_thread() -> None:
    raise OSError("no tide")


async def raise_the_unspeakable() -> None:
    raise Unspeakable


async def return_the_unfoldable() -> object:
    return Unfoldable()


@on_sqlite
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("function", "rule", "error", "words"),
    [
        (raise_in_the_loop, BrokenRule(), "ZeroDivisionError", "OSError: no tide"),
        (raise_in_a_thread, BrokenRule(), "ZeroDivisionError", "OSError: no tide"),
        (raise_the_unspeakable, None, "LookupError", "no words"),
        (return_the_unfoldable, None, "InvalidResult", "has no form in JSON"),
    ],
)
async def test_failure_integration_ends_the_job_also_where_the_programs_own_rules_break(
    shop: Shop, function: Callable[[], Any], rule: tidemill.Retry | None, error: str, words: str
) -> None:
    job = tidemill.job(attempts=2, retry=rule, app=shop.app)(function)

    async with shop.app.worker():
        with pytest.raises(JobFailed) as failed:
            await (await job.enqueue()).result(seconds)

    assert failed.value.type == error
    assert words in f"{failed.value.message}\n{failed.value.traceback}"
