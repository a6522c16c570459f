from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fixtures.databases import a_database
from tests.fixtures.operators import NamedOperators
from tests.fixtures.stores import StoreClock
from tidemill.cli.main import run
from tidemill.core.actor import system
from tidemill.core.config import Layers
from tidemill.infrastructure.database import DatabaseOptions, open_stores
from tidemill.settings.values.service import SettingService

_NOBODY = "postgresql://postgres:hunter2@127.0.0.1:9/nowhere"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def words(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """Return the options that name an installation where `debug` is stored as log.level."""
    data_dir = tmp_path / "data"
    if request.param == "sqlite":
        asyncio.run(_store(DatabaseOptions(data_dir=data_dir)))
        yield ["--data-dir", str(data_dir)]
        return
    with a_database("explained") as url:
        asyncio.run(_store(DatabaseOptions(data_dir=data_dir, url=url)))
        yield ["--data-dir", str(data_dir), "--set", f"database.url={url}"]


async def _store(options: DatabaseOptions) -> None:
    stores = await open_stores(options, StoreClock())
    try:
        service = SettingService(stores.control, Layers(), NamedOperators())
        await service.put("log.level", "debug", actor=system("cli"))
    finally:
        await stores.close()


def _asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_explain_shows_what_the_database_holds(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """S1: the fourth source, with and without a stronger one."""
    assert run(["config", "explain", "log.level", *words]) == 0
    told = capsys.readouterr().out.splitlines()
    hidden = _asked(capsys, "config", "explain", "log.level", *words, "--set", "log.level=error")

    assert told[0] == 'log.level = "debug"'
    assert told[2:4] == ["  from      database (installation)", '  hides     "info" from default']
    assert (hidden["value"], hidden["source"]) == ("error", "command_line")
    assert hidden["shadowed"] == [
        {"value": "debug", "origin": "database (installation)"},
        {"value": "info", "origin": "default"},
    ]


def test_list_shows_what_the_database_holds(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {row["key"]: row for row in _asked(capsys, "config", "list", *words)}

    assert (rows["log.level"]["value"], rows["log.level"]["source"]) == ("debug", "database")
    assert rows["log.format"]["source"] == "default"


def test_explain_makes_nothing_where_nothing_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _asked(capsys, "config", "explain", "log.level", "--data-dir", str(tmp_path / "data"))

    assert (found["source"], found["unread"]) == ("default", None)
    assert list(tmp_path.iterdir()) == []


def test_explain_says_that_it_could_not_ask_the_database(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["config", "explain", "log.level", "--set", f"database.url={_NOBODY}"]

    assert run(words) == 0
    told = capsys.readouterr().out

    assert "unread    the database, which may hold a value: The PostgreSQL store" in told
    assert f"({urlsplit(_NOBODY).hostname}:{urlsplit(_NOBODY).port})" in told
    assert "hunter2" not in told
