"""A worker that has nothing to do leaves the database alone."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import asyncpg
import pytest

from tests.fixtures import shop as _  # noqa: F401 - declares the functions that the worker runs
from tests.fixtures.library import make_shop

pytestmark = pytest.mark.anyio
watched_seconds: Final = 10.0
statements_per_second_max: Final = 2.0
_FRAMES: Final = ("BEGIN", "COMMIT", "ROLLBACK")


@pytest.mark.full(reason="it watches an idle worker for ten seconds")
async def test_worker_integration_asks_no_more_than_twice_a_second_when_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    make = asyncpg.Connection.__init__

    def watched(connection: Any, *args: Any, **kwargs: Any) -> None:
        make(connection, *args, **kwargs)
        connection.add_query_logger(lambda record: sent.append(record.query))

    monkeypatch.setattr(asyncpg.Connection, "__init__", watched)
    async with make_shop("postgres") as shop, shop.app.worker():
        # What a start brings along is over then.
        await asyncio.sleep(2)
        sent.clear()
        await asyncio.sleep(watched_seconds)
        statements = [sql for sql in sent if not sql.lstrip().startswith(_FRAMES)]

    # Its looks are a second apart, and one of them may fall on each end of what is watched.
    looks_max = watched_seconds + 1
    assert len(statements) <= statements_per_second_max * looks_max, statements
