"""What jobs really did, held against what the books say of them."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Self

from msgspec import Struct

from tests.chaos.books import Books
from tests.fixtures.client import Client
from tests.fixtures.effects import FILE_VARIABLE, MODULE, SCRIPT, TABLE
from tests.fixtures.library import ROOT
from tests.fixtures.roles import Death
from tests.fixtures.waiting import wait_until

rescue_seconds_beyond_lease_max: Final = 5.0
orphan_seconds_max: Final = 1.0
end_seconds_max: Final = 60.0
_ENDS: Final = """
    SELECT id || ' ' || state || ' ' || attempts || ' ' || rescues || ' '
        || COALESCE(result, error, '')
    FROM job_history
"""


class Run(Struct, frozen=True):
    """One run of a job's code. `pid` is that of its worker, 0 where it cannot know; `done` is when
    its effect was there."""

    name: str
    number: int
    attempt: int
    pid: int
    began: float
    done: float | None


class Effects:
    """The file in which jobs leave their effects."""

    def __init__(self, directory: Path) -> None:
        # In a place where jobs of any user may write.
        self.file = directory / "effects.db"
        # Several cases may share the file.
        self.numbers = itertools.count(1)
        with closing(sqlite3.connect(self.file)) as made:
            made.execute("PRAGMA journal_mode = WAL")
            made.execute(TABLE)

    @property
    def environment(self) -> dict[str, str]:
        """What processes have to see that run `tests.fixtures.effects`."""
        return {FILE_VARIABLE: str(self.file), "PYTHONPATH": str(ROOT)}

    def runs(self) -> list[Run]:
        """Return every run so far, the first ones first."""
        with closing(sqlite3.connect(self.file, timeout=30)) as effects:
            rows = effects.execute("SELECT * FROM runs ORDER BY began")
            return [Run(*row) for row in rows.fetchall()]

    def count(self, *, done: bool = False) -> int:
        """Return how many runs have begun, or left their effect."""
        return sum(1 for run in self.runs() if run.done is not None or not done)


class Work:
    """The jobs of one case. Each has a number, by which its runs are found."""

    def __init__(self, client: Client, effects: Effects) -> None:
        self.ids: dict[int, str] = {}
        self._client = client
        self._effects = effects

    def functions(self, count: int, *, seconds: float = 0.0, name: str = "leave_effect") -> Self:
        """Start jobs that call a function."""
        for _ in range(count):
            number = next(self._effects.numbers)
            args = {"number": number, "seconds": seconds}
            self._post(number, {"function": f"{MODULE}:{name}", "args": args})
        return self

    def scripts(self, count: int, *, seconds: float = 0.0) -> Self:
        """Start jobs of a script, each in a process of its own."""
        for _ in range(count):
            number = next(self._effects.numbers)
            args = {"number": number, "seconds": seconds, "file": str(self._effects.file)}
            body = {"language": "python", "content": SCRIPT, "isolation": "fork", "args": args}
            self._post(number, body)
        return self

    def one(self, name: str, **args: Any) -> str:
        """Start a job that calls the function `name`; return the job's id."""
        number = next(self._effects.numbers)
        body = {"function": f"{MODULE}:{name}", "args": {"number": number, **args}}
        return self._post(number, body)

    def wait(self, *, seconds_max: float = end_seconds_max) -> None:
        """Return when every job has ended."""
        deadline = time.monotonic() + seconds_max
        for job_id in self.ids.values():
            self._client.finished(job_id, seconds_max=max(1.0, deadline - time.monotonic()))

    def _post(self, number: int, body: Mapping[str, Any]) -> str:
        self.ids[number] = str(self._client.post("/jobs", dict(body))["id"])
        return self.ids[number]


class Account(Struct, frozen=True, kw_only=True):
    """The figures of one case."""

    case: str
    jobs: int
    runs: int
    repeated: int
    rescue_seconds_max: float
    claims: int

    def __str__(self) -> str:
        rescue = f"{self.rescue_seconds_max:.2f} s" if self.repeated else "-"
        return (
            f"CHAOS {self.case}: jobs {self.jobs}, lost 0, double outcomes 0, runs {self.runs}, "
            f"re-runs {self.repeated} (all explained), claims {self.claims}, "
            f"slowest rescue {rescue}"
        )


def settle(
    case: str,
    work: Work,
    effects: Effects,
    books: Books,
    *,
    lost: Iterable[Death] = (),
    lease_seconds: float,
    pause_seconds: float = 0.0,
) -> Account:
    """Hold the books against the effects; print and return the figures.

    `lost` are the workers that were killed, or stood still beyond their lease. Nothing else
    explains that a job ran twice. `pause_seconds` is how long jobs were kept waiting on purpose, or
    nobody was there to run them.
    """
    ends = _ends(books)
    runs = _by_number(effects.runs(), work.ids)
    lost = list(lost)
    rescues: list[float] = []
    for number, job_id in work.ids.items():
        assert job_id in ends, f"lost: {job_id}"
        state, attempts, result = ends[job_id]
        mine = runs[number]
        assert state == "succeeded", f"{job_id} {state}: {result}"
        assert mine, f"{job_id} succeeded and never ran"
        assert len({run.attempt for run in mine}) == len(mine), f"an attempt ran twice: {mine}"
        # The one outcome in the books is that of the last attempt, and its effect is there.
        counted = [run for run in mine if f'"{run.name}"' == result]
        assert [run.attempt for run in counted] == [attempts], (mine, result)
        assert counted[0].done is not None, counted
        for earlier, later in itertools.pairwise(mine):
            cause = _cause(earlier, later, lost)
            assert cause is not None, (
                f"nothing explains that {earlier} was followed by {later}: {lost}"
            )
            rescues.append(later.began - cause.at)
    account = Account(
        case=case,
        jobs=len(work.ids),
        runs=sum(map(len, runs.values())),
        repeated=len(rescues),
        rescue_seconds_max=max(rescues, default=0.0),
        claims=sum(ends[job_id][1] for job_id in work.ids.values()),
    )
    print(account)
    seconds_max = lease_seconds + rescue_seconds_beyond_lease_max + pause_seconds
    assert account.rescue_seconds_max <= seconds_max, account
    return account


def wait_for_runs(effects: Effects, count: int, *, done: bool = False) -> None:
    """Return when so many runs have begun, or left their effect."""
    wait_until(
        lambda: effects.count(done=done) >= count,
        seconds_max=end_seconds_max,
        what=f"{count} runs",
    )


def _ends(books: Books) -> dict[str, tuple[str, int, str]]:
    found: dict[str, tuple[str, int, str]] = {}
    for line in books.values("jobs", _ENDS):
        job_id, state, attempts, _, result = line.split(" ", 4)
        assert job_id not in found, f"two outcomes: {job_id}"
        found[job_id] = (state, int(attempts), result)
    return found


def _by_number(runs: Sequence[Run], numbers: Iterable[int]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {number: [] for number in numbers}
    for run in runs:
        if run.number in found:
            found[run.number].append(run)
    return found


def _cause(earlier: Run, later: Run, lost: Sequence[Death]) -> Death | None:
    fitting = [
        death for death in lost if _may_have_ended(death, earlier) and death.at <= later.began
    ]
    return max(fitting, key=lambda death: death.at, default=None)


def _may_have_ended(death: Death, run: Run) -> bool:
    if run.pid == 0:
        # The process of a script may begin in the moment after its worker was killed.
        return run.began <= death.at + orphan_seconds_max
    return run.pid == death.pid and run.began <= death.at
