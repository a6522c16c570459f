from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.databases import a_database
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run
from tidemill.infrastructure.database.owner_lock import OwnerLock


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def words(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """Return the options that name an installation of which nothing is there yet."""
    directory = ["--data-dir", str(tmp_path / "data")]
    if request.param == "sqlite":
        yield directory
        return
    with a_database("schemas") as url:
        yield [*directory, "--set", f"database.url={url}"]


class Schemas:
    """`tidemill db` on one installation."""

    def __init__(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        self._words = words
        self._capsys = capsys

    def ask(self, *words: str, code: int = ExitCode.OK) -> Any:
        assert run(["db", *words, *self._words, "--json"]) == code
        printed = self._capsys.readouterr()
        return json.loads(printed.out or printed.err)

    def pending(self) -> dict[str, list[str]]:
        return {row["store"]: row["pending"] for row in self.ask("status")}


@pytest.fixture
def schemas(words: list[str], capsys: pytest.CaptureFixture[str]) -> Schemas:
    return Schemas(words, capsys)


def test_upgrade_brings_a_new_installation_to_this_release(schemas: Schemas) -> None:
    upgraded = schemas.ask("upgrade", "--tenants")

    assert schemas.pending() == {"control": [], "jobs": []}
    assert upgraded["versions"].keys() == {"control", "jobs"}
    assert (upgraded["tenants"]["total"], upgraded["tenants"]["failures"]) == (0, [])
    assert schemas.ask("check") == {"problems": []}


def test_downgrade_takes_one_store_back_and_upgrade_brings_it_on(schemas: Schemas) -> None:
    newest = schemas.ask("upgrade")["versions"]
    target = newest["control"] - 1

    back = schemas.ask("downgrade", "control", str(target))
    (problem,) = schemas.ask("check", code=ExitCode.FAILED)["problems"]
    pending = schemas.pending()

    assert back == {"store": "control", "version": target}
    assert problem.startswith(f"control lacks {newest['control']:04}_")
    assert (len(pending["control"]), pending["jobs"]) == (1, [])
    assert schemas.ask("upgrade")["versions"] == newest


def test_downgrade_names_a_store_that_is_not_there(schemas: Schemas) -> None:
    schemas.ask("upgrade")

    refused = schemas.ask("downgrade", "nobody", "1", code=ExitCode.FAILED)

    assert refused["error"]["message"] == "There is no store 'nobody' here."


def test_upgrade_is_refused_while_a_server_has_the_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "data"
    held = OwnerLock.acquire(directory)
    try:
        refused = Schemas(["--data-dir", str(directory)], capsys).ask(
            "upgrade", code=ExitCode.CONFLICT
        )
    finally:
        held.release()

    assert refused["error"]["code"] == "DATA_DIRECTORY_IN_USE"


@pytest.mark.parametrize("command", ["status", "check"])
def test_what_looks_at_no_installation_says_that_there_is_none(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["db", command, "--data-dir", str(tmp_path / "none")]) == ExitCode.NOT_FOUND

    assert f"There is no installation in {tmp_path / 'none'}." in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
