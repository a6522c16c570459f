"""What a program cannot say of its jobs is refused where it says so, in its own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tidemill
from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tidemill import JobFailed
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.schedule_errors import ScheduleInvalid

seconds = 60.0
on_sqlite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""For what both databases have no part in."""


@pytest.fixture(autouse=True)
def own_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no other test see the functions of this one."""
    monkeypatch.setattr(REGISTRY, "_declared", dict(REGISTRY.all()))


def _declare(**options: Any) -> object:
    def sail() -> None: ...

    return tidemill.job(name="tests.fixtures.shop:sail", **options)(sail)


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        ({"retry": 3}, TypeError, r"retry must be a tidemill\.Retry, not 3\."),
        ({"attempts": "2"}, TypeError, r"attempts must be a whole number, not '2'\."),
        ({"attempts": 0}, ValueError, r"attempts must be 1 or more, not 0\."),
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
        ({"timeout": 0}, ValueError, r"timeout must be more than 0 seconds, not 0\."),
        ({"timeout": "x"}, TypeError, r"timeout must be a number of seconds, not 'x'\."),
        ({"priority": "hi"}, TypeError, r"priority must be a whole number, not 'hi'\."),
        ({"run_at": "tomorrow"}, TypeError, r"run_at must be a datetime .*, not 'tomorrow'\."),
        ({"limits": {"rate": 1}}, TypeError, r"limits must be a tidemill\.Limits, not {"),
        ({"requires": ["gpu"]}, TypeError, r"requires must be a tidemill\.Requires, not \["),
        ({"id": 7}, TypeError, r"id must be text, not 7\."),
        ({"labels": "quay"}, TypeError, r"labels must be a list of texts, not 'quay'\."),
        ({"labels": [7]}, TypeError, r"labels must be a list of texts, not \[7\]\."),
    ],
    ids=str,
)
def test_options_integration_refuse_what_cannot_be(
    wishes: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        program.double.options(**wishes)


@pytest.mark.parametrize("seconds", ["soon", float("inf")])
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
        ({"overlapp": "skip"}, ScheduleInvalid, r"schedule: .* unknown field `overlapp`\."),
        ({"on_failure": print}, TypeError, r"on_failure must be a function with @tidemill\.job"),
        ({"timeout": "x"}, TypeError, r"timeout must be a number of seconds, not 'x'\."),
        ({"every": "1h"}, TypeError, r"every must be a number of seconds or a timedelta"),
        ({"args": 5}, TypeError, r"args must be the arguments of one call, .*, not 5\."),
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
