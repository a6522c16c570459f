from __future__ import annotations

import io
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
    """Return the options that name an installation whose stores are empty."""
    directory = ["--data-dir", str(tmp_path / "data")]
    if request.param == "sqlite":
        _begun(tmp_path / "data")
        yield directory
        return
    with a_database("schemas") as url:
        yield [*directory, "--set", f"database.url={url}"]


def _begun(directory: Path) -> None:
    """Leave what a first start leaves that was ended at once."""
    directory.mkdir()
    (directory / "control.db").touch()


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

    back = schemas.ask("downgrade", "control", str(target), "--yes")
    (problem,) = schemas.ask("check", code=ExitCode.FAILED)["problems"]
    pending = schemas.pending()

    assert (back["store"], back["version"], len(back["undone"])) == ("control", target, 1)
    assert problem.startswith(f"control lacks {newest['control']:04}_")
    assert (len(pending["control"]), pending["jobs"]) == (1, [])
    assert schemas.ask("upgrade")["versions"] == newest


def test_downgrade_names_a_store_that_is_not_there(schemas: Schemas) -> None:
    schemas.ask("upgrade")

    refused = schemas.ask("downgrade", "nobody", "1", code=ExitCode.NOT_FOUND)

    assert refused["error"]["message"].startswith(
        "There is no store 'nobody' here. There are control, jobs,"
    )


def test_downgrade_tells_what_would_be_lost_and_changes_nothing_unless_it_is_meant(
    schemas: Schemas,
) -> None:
    newest = schemas.ask("upgrade")["versions"]

    refused = schemas.ask("downgrade", "jobs", "0", code=ExitCode.USAGE)["error"]

    assert (refused["code"], refused["param"]) == ("NOT_CONFIRMED", "--yes")
    assert "0001_" in refused["message"]
    assert "is lost" in refused["message"]
    assert schemas.ask("upgrade")["versions"] == newest
    assert schemas.pending()["jobs"] == []


@pytest.mark.parametrize(("answer", "left"), [("n\n", 0), ("y\n", 1)])
def test_downgrade_asks_at_a_terminal(
    answer: str,
    left: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _begun(tmp_path / "data")
    schemas = Schemas(["--data-dir", str(tmp_path / "data")], capsys)
    newest = schemas.ask("upgrade")["versions"]["jobs"]
    terminal = io.StringIO(answer)
    terminal.isatty = lambda: True  # type: ignore[method-assign]  # as a terminal says
    monkeypatch.setattr("sys.stdin", terminal)

    code = run(["db", "downgrade", "jobs", str(newest - 1), "--data-dir", str(tmp_path / "data")])

    told = capsys.readouterr().err
    assert f"jobs is at version {newest}. Going back undoes {newest:04}_" in told
    assert code == (ExitCode.OK if left else ExitCode.FAILED)
    assert len(schemas.pending()["jobs"]) == left


def test_downgrade_does_not_go_forward(schemas: Schemas) -> None:
    newest = schemas.ask("upgrade")["versions"]["jobs"]

    refused = schemas.ask("downgrade", "jobs", "99", "--yes", code=ExitCode.FAILED)

    assert refused["error"]["message"] == (f"jobs is at version {newest}: it cannot go back to 99.")


def test_upgrade_says_that_it_left_the_tenants_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _begun(tmp_path / "data")

    assert run(["db", "upgrade", "--data-dir", str(tmp_path / "data")]) == ExitCode.OK

    assert "tenants are not looked at without --tenants" in capsys.readouterr().out


def test_upgrade_is_refused_while_a_server_has_the_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "data"
    _begun(directory)
    held = OwnerLock.acquire(directory)
    try:
        refused = Schemas(["--data-dir", str(directory)], capsys).ask(
            "upgrade", code=ExitCode.CONFLICT
        )
    finally:
        held.release()

    assert refused["error"]["code"] == "DATA_DIRECTORY_IN_USE"


@pytest.mark.parametrize("words", [["status"], ["check"], ["upgrade"], ["downgrade", "jobs", "1"]])
def test_what_wants_an_installation_says_that_there_is_none_and_makes_none(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["db", *words, "--data-dir", str(tmp_path / "none")]) == ExitCode.NOT_FOUND

    assert f"There is no installation in {tmp_path / 'none'}." in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
