"""How often the library asks PostgreSQL for one thing."""

from __future__ import annotations

from typing import Any, Final

import asyncpg
import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import make_shop
from tidemill.core.ids import INSTALLATION

pytestmark = pytest.mark.anyio
_ANNOUNCES: Final = "SELECT pg_notify"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the server."""
    found: list[str] = []
    make = asyncpg.Connection.__init__

    def watched(connection: Any, *args: Any, **kwargs: Any) -> None:
        make(connection, *args, **kwargs)
        connection.add_query_logger(lambda record: found.append(record.query.strip()))

    monkeypatch.setattr(asyncpg.Connection, "__init__", watched)
    return found


async def test_enqueue_integration_is_one_statement_and_no_transaction_around_it(
    sent: list[str],
) -> None:
    async with make_shop("postgres") as shop:
        add = program.add.options(app=shop.app)
        await add.enqueue(1, 2)
        sent.clear()

        await add.enqueue(3, 4)

        said = [sql for sql in sent if not sql.startswith(_ANNOUNCES)]
    assert len(said) == 1, said
    assert said[0].startswith("INSERT INTO jobs")


async def test_a_statement_that_may_count_alone_integration_has_no_transaction_around_it(
    sent: list[str],
) -> None:
    async with make_shop("postgres") as shop:
        jobs = (await shop.app.open()).store.jobs
        await jobs.write(INSTALLATION, lambda tx: tx.one("SELECT 1"))
        sent.clear()

        rows = await jobs.write(INSTALLATION, lambda tx: tx.all_alone("SELECT 2 AS two"))

        said = [sql for sql in sent if not sql.startswith(_ANNOUNCES)]
    assert [tuple(row) for row in rows] == [(2,)]
    assert said == ["SELECT 2 AS two"]
