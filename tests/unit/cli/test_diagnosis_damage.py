"""A file that is no database is named by every command that meets it, with what to do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.stores import StoreClock, a_tenant
from tidemill.cli.diagnosis import Finding, Verdict, diagnose
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run
from tidemill.core.ids import TenantId
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database import DAMAGED_TENANTS, DatabaseOptions, Stores, open_stores
from tidemill.runtime.arguments import parse

NOISE = b"noise, not a database. " * 400


@pytest.fixture
def tenants(tmp_path: Path) -> list[TenantId]:
    """Return two tenants whose files are closed; nothing runs."""
    return asyncio.run(_two_tenants(tmp_path))


async def _two_tenants(directory: Path) -> list[TenantId]:
    stores = await _open(directory)
    made = [await a_tenant(stores, "broken"), await a_tenant(stores, "well")]
    await stores.close()
    return made


async def _open(directory: Path) -> Stores:
    return await open_stores(DatabaseOptions(data_dir=directory, free_bytes_min=0), StoreClock())


def _overwrite(file: Path) -> Path:
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    file.write_bytes(NOISE)
    return file


def _file(directory: Path, tenant: TenantId) -> Path:
    return directory / "tenants" / tenant / "main.db"


def test_requests_of_a_tenant_whose_file_is_damaged_are_told_which_and_that_no_wait_helps(
    tmp_path: Path, tenants: list[TenantId]
) -> None:
    _overwrite(_file(tmp_path, tenants[0]))

    refused, health = asyncio.run(_read_both(tmp_path, tenants))

    assert refused == (
        f"The store of tenant {tenants[0]} is not available: its file is not a database. "
        "Restore it from a backup."
    )
    told = health.pop(DAMAGED_TENANTS)
    assert told == "the file of one tenant is damaged; tidemill doctor says which"
    assert set(health.values()) == {None}, "one tenant takes the others with it"


async def _read_both(directory: Path, tenants: list[TenantId]) -> tuple[str, dict[str, str | None]]:
    """Return what the first is told, and how the stores are once the second was served."""
    stores = await _open(directory)
    try:
        with pytest.raises(StoreUnavailable) as refused:
            await stores.tenants.read(tenants[0], lambda _tx: None)
        await stores.tenants.read(tenants[1], lambda _tx: None)
        return refused.value.message, dict(await stores.health())
    finally:
        await stores.close()


def _ask(directory: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run(["db", *words, "--data-dir", str(directory), "--json"]) == ExitCode.FAILED
    return json.loads(capsys.readouterr().out)


def test_status_and_check_name_a_damaged_tenant_and_go_on(
    tmp_path: Path, tenants: list[TenantId], capsys: pytest.CaptureFixture[str]
) -> None:
    file = _overwrite(_file(tmp_path, tenants[0]))

    status = {row["store"]: row for row in _ask(tmp_path, capsys, "status", "--tenants")}
    (problem,) = _ask(tmp_path, capsys, "check")["problems"]

    assert status[tenants[0]]["problem"] == problem
    assert status[tenants[1]]["problem"] is None
    assert status[tenants[1]]["version"] > 0
    assert f"tenant {tenants[0]} " in problem
    assert str(file) in problem
    assert problem.endswith("Restore it from a backup.")


def test_status_of_a_damaged_control_store_still_tells_of_jobs(
    tmp_path: Path, tenants: list[TenantId], capsys: pytest.CaptureFixture[str]
) -> None:
    file = _overwrite(tmp_path / "control.db")

    control, jobs = _ask(tmp_path, capsys, "status", "--tenants")

    assert tenants
    assert str(file) in control["problem"]
    assert jobs["problem"] is None


def _findings(directory: Path) -> dict[str, Finding]:
    config = parse(["--data-dir", str(directory), "--set", "server.port=0"]).load()
    return {finding.part: finding for finding in diagnose(config)}


def test_doctor_names_a_damaged_tenant_its_file_and_the_fix(
    tmp_path: Path, tenants: list[TenantId]
) -> None:
    file = _overwrite(_file(tmp_path, tenants[0]))

    found = _findings(tmp_path)[f"tenant {tenants[0]}"]

    assert found.verdict is Verdict.FAILS
    assert str(file) in found.detail
    assert "server.data_dir" in (found.setting or "")
    assert "Restore it from a backup" in (found.fix or "")


@pytest.mark.parametrize("name", ["control.db", "jobs.db"])
def test_doctor_names_a_damaged_shared_store_its_file_and_the_fix(
    name: str, tmp_path: Path, tenants: list[TenantId]
) -> None:
    file = _overwrite(tmp_path / name)

    found = _findings(tmp_path)["stores"]

    assert tenants
    assert found.verdict is Verdict.FAILS
    assert str(file) in found.detail
    assert "server.data_dir" in (found.setting or "")
    assert "Restore it from a backup" in (found.fix or "")


def test_doctor_says_that_tenant_stores_can_be_opened(
    tmp_path: Path, tenants: list[TenantId]
) -> None:
    assert tenants
    assert _findings(tmp_path)["tenant stores"].verdict is Verdict.WORKS


def test_doctor_says_that_a_file_is_no_data_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    found = _findings(file)

    for part in ("data directory", "stores"):
        assert found[part].verdict is Verdict.FAILS
        assert str(file) in found[part].detail
        assert "server.data_dir" in (found[part].setting or "")
        assert "Name a directory" in (found[part].fix or "")


def test_doctor_says_that_a_file_system_without_files_holds_no_data() -> None:
    found = _findings(Path("/proc/nope/x"))

    assert found["data directory"].detail == "/proc cannot hold files."
    assert "can be opened" not in found["stores"].detail
