"""SQL on its three databases: parameters, types, transactions, limits, and closed doors."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from tests.conformance.executors.languages import JOB_IDS
from tests.fixtures.run import unique_name
from tests.fixtures.services import need
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, job, succeeded
from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.protocol.messages import Isolation, Outcome, Verdict

pytestmark = pytest.mark.anyio
Query = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def query(dispatcher: Dispatcher, start_worker: StartWorker, tmp_path: Path) -> Query:
    machine = Machine(
        files_directory=tmp_path / "files",
        cache_directory=tmp_path / "cache",
        addresses_allowed=("127.0.0.0/8", "::1"),
        sql_rows_max=10,
    )
    await start_worker(machine=machine)
    numbers = itertools.count(1)

    async def query(
        content: str, *, isolation: Isolation = Isolation.SANDBOX, **arguments: Any
    ) -> Outcome:
        return await dispatcher.run(
            job(
                JOB_IDS.format(next(numbers)), content, language="sql", isolation=isolation,
                arguments=arguments,
            )
        )  # fmt: skip

    return query


@pytest.fixture
async def postgres() -> AsyncIterator[dict[str, Any]]:
    """Give the resource of a PostgreSQL server, and an empty table of the test's own."""
    url = urlsplit(need("postgres"))
    table = unique_name("sql")
    connection = await asyncpg.connect(url.geturl())
    await connection.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, name TEXT)")
    yield {
        "host": url.hostname,
        "port": url.port or 5432,
        "user": url.username,
        "password": url.password or "",
        "dbname": url.path.strip("/") or url.username,
        "table": table,
    }
    await connection.execute(f"DROP TABLE {table}")
    await connection.close()


@pytest.mark.needs("postgres")
async def test_sql_executor_gives_types_of_postgresql_as_json(
    query: Query, postgres: dict[str, Any]
) -> None:
    content = (
        "-- $1 n (int)\n-- $2 day (date)\n-- $3 document (json)\n-- $4 names (text[])\n"
        "SELECT $1::int8 + 1 AS big, 1.10::numeric AS exact, $2::date AS day, $3::jsonb AS j,"
        " $4::text[] AS names, '\\x0102'::bytea AS raw, NULL AS nothing,"
        " '2026-01-02 03:04:05+02'::timestamptz AS at, 'NaN'::float8 AS odd"
    )

    outcome = await query(
        content, database=postgres, n=41, day="2026-11-21", document={"a": [1]}, names=["x", "ý"]
    )

    assert succeeded(outcome)["rows"] == [
        {
            "big": 42,
            "exact": "1.10",
            "day": "2026-11-21",
            "j": {"a": [1]},
            "names": ["x", "ý"],
            "raw": "AQI=",
            "nothing": None,
            "at": "2026-01-02T01:04:05Z",
            "odd": "nan",
        }
    ]


@pytest.mark.needs("postgres")
async def test_sql_executor_commits_all_statements_or_none(
    query: Query, postgres: dict[str, Any]
) -> None:
    table = postgres["table"]
    write = f"-- $1 name (text)\nINSERT INTO {table} VALUES (1, $1);\n"
    failed = await query(
        f"{write}INSERT INTO {table} VALUES (1, 'again')", database=postgres, name="a"
    )
    empty = await query(f"SELECT COUNT(*) AS n FROM {table}", database=postgres)
    name = "'); DROP TABLE x; --"

    written = await query(f"{write}SELECT name FROM {table}", database=postgres, name=name)

    assert failed.error is not None
    assert failed.error["type"] == "UniqueViolationError"
    assert succeeded(empty)["rows"] == [{"n": 0}]
    assert succeeded(written)["rows"] == [{"name": name}]


@pytest.mark.needs("postgres")
async def test_sql_executor_tells_what_a_statement_without_rows_did(
    query: Query, postgres: dict[str, Any]
) -> None:
    outcome = await query(
        f"INSERT INTO {postgres['table']} SELECT n, 'x' FROM generate_series(1, 3) AS n",
        database=postgres,
    )

    result = succeeded(outcome)
    assert (result["status"], result["row_count"], result["rows"]) == ("INSERT 0 3", 3, [])


@pytest.mark.needs("postgres")
async def test_sql_executor_puts_what_is_long_into_a_file(
    query: Query, postgres: dict[str, Any], tmp_path: Path
) -> None:
    outcome = await query("SELECT n FROM generate_series(1, 5000) AS n", database=postgres)

    result = succeeded(outcome)
    assert result["truncated"] is True
    assert [row["n"] for row in result["rows"]] == list(range(1, 11))
    assert result["row_count"] == 5000
    file = tmp_path / "files" / "tenant-a" / "results" / result["file"]["name"]
    lines = file.read_bytes().splitlines()
    assert sum(len(line) + 1 for line in lines) == result["file"]["bytes"]
    assert [msgspec.json.decode(line)["n"] for line in lines] == list(range(1, 5001))


@pytest.mark.parametrize(
    ("database", "kind"),
    [
        ({"host": "10.0.0.1", "user": "x"}, "AddressRefused"),
        ({"host": "/var/run/postgresql"}, "ResourceInvalid"),
        ({"host": "127.0.0.1", "port": 1}, "ConnectionFailed"),
        ({"host": "127.0.0.1", "port": "x"}, "ResourceInvalid"),
        ({"host": "no-such-host.invalid"}, "HostUnknown"),
        ({}, "ResourceInvalid"),
    ],
)
async def test_sql_executor_says_why_it_cannot_connect(
    query: Query, database: dict[str, Any], kind: str
) -> None:
    outcome = await query("SELECT 1", database=database)

    assert outcome.error is not None
    assert outcome.error["type"] == kind, outcome.error


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH '/etc/passwd' AS x",
        "VACUUM INTO '/opt/tidemill/files/databases/copy.db'",
        "SELECT load_extension('x')",
    ],
)
@pytest.mark.parametrize("isolation", [Isolation.FORK, Isolation.SANDBOX])
async def test_sql_executor_keeps_sqlite_within_its_file(
    query: Query, statement: str, isolation: Isolation
) -> None:
    outcome = await query(
        f"-- $database (sqlite)\n{statement}", database={"path": "a.db"}, isolation=isolation
    )

    assert outcome.verdict is Verdict.FAILED


@pytest.mark.parametrize("path", ["/etc/passwd", "../../other/databases/x.db", "a/../../x", "\0"])
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
async def test_sql_executor_opens_files_of_the_tenant_only(
    query: Query, path: str, dialect: str
) -> None:
    outcome = await query(f"-- $database ({dialect})\nSELECT 1", database={"path": path})

    assert outcome.error is not None
    assert outcome.error["type"] == "ResourceInvalid", outcome.error


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/y.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
async def test_sql_executor_keeps_duckdb_from_everything_outside(
    query: Query, statement: str
) -> None:
    outcome = await query(f"-- $database (duckdb)\n{statement}")

    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["type"] != "NoResult"


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
async def test_sql_executor_keeps_a_file_between_jobs(query: Query, dialect: str) -> None:
    content = (
        f"-- $database ({dialect})\n-- $1 n (int)\nCREATE TABLE IF NOT EXISTS t (n INT);\n"
        "INSERT INTO t VALUES ($1);\nSELECT n FROM t ORDER BY n"
    )
    database = {"path": "deep/down.db"}

    await query(content, database=database, n=1)
    second = await query(content, database=database, n=2)

    assert succeeded(second)["rows"] == [{"n": 1}, {"n": 2}]
