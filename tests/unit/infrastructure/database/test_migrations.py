from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import (
    MigrationFailed,
    discover,
    lint,
    pending,
    to_undo,
)

_UP = "CREATE TABLE lamps (tenant_id TEXT NOT NULL);"
_DOWN = "DROP TABLE lamps;"


def _put(root: Path, name: str, up: str = _UP, down: str | None = _DOWN) -> None:
    folder = root / "sqlite" / "tenant"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.up.sql").write_text(up)
    if down is not None:
        (folder / f"{name}.down.sql").write_text(down)


def test_discover_returns_migrations_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    _put(tmp_path, "0002_b")
    _put(tmp_path, "0001_a")

    found = discover("sqlite", StoreKind.TENANT, tmp_path)

    assert [migration.label for migration in found] == ["0001_a", "0002_b"]


@pytest.mark.parametrize("name", ["1_a", "0001-a", "0001_A", "0001_"])
def test_discover_refuses_a_name_that_breaks_the_rule(tmp_path: Path, name: str) -> None:
    _put(tmp_path, name)

    with pytest.raises(MigrationFailed, match="NNNN_name"):
        discover("sqlite", StoreKind.TENANT, tmp_path)


def test_discover_refuses_a_migration_without_a_way_back(tmp_path: Path) -> None:
    _put(tmp_path, "0001_a", down=None)

    with pytest.raises(MigrationFailed, match=r"0001_a\.down\.sql is missing"):
        discover("sqlite", StoreKind.TENANT, tmp_path)


def test_discover_refuses_one_number_twice(tmp_path: Path) -> None:
    _put(tmp_path, "0001_a")
    _put(tmp_path, "0001_b")

    with pytest.raises(MigrationFailed, match="same number"):
        discover("sqlite", StoreKind.TENANT, tmp_path)


def test_pending_refuses_a_file_that_changed_since_it_ran(tmp_path: Path) -> None:
    _put(tmp_path, "0001_a")
    found = discover("sqlite", StoreKind.TENANT, tmp_path)

    with pytest.raises(MigrationFailed, match="0001_a of x is not the file that ran there"):
        pending(found, {1: "other"}, store="x")


def test_to_undo_refuses_what_this_release_does_not_know(tmp_path: Path) -> None:
    _put(tmp_path, "0001_a")
    found = discover("sqlite", StoreKind.TENANT, tmp_path)

    with pytest.raises(MigrationFailed, match="0009 is unknown"):
        to_undo(found, {1: "x", 9: "y"}, 0)


@pytest.mark.parametrize(
    ("up", "reason"),
    [
        ("DROP TABLE lamps;", "DROP"),
        ("ALTER TABLE lamps DROP COLUMN x;", "DROP"),
        ("ALTER TABLE lamps RENAME TO lights;", "RENAME"),
        ("ALTER TABLE lamps ADD COLUMN x TEXT NOT NULL;", "NOT NULL without DEFAULT"),
        ("ALTER TABLE lamps ALTER COLUMN x SET NOT NULL;", "SET NOT NULL"),
    ],
)
def test_lint_finds_what_an_older_release_cannot_live_with(
    tmp_path: Path, up: str, reason: str
) -> None:
    _put(tmp_path, "0002_b", up=up)

    assert [(found.file, found.reason) for found in lint(tmp_path)] == [
        ("sqlite/tenant/0002_b.up.sql", reason)
    ]


@pytest.mark.parametrize(
    "up",
    [
        _UP,
        "ALTER TABLE lamps ADD COLUMN x TEXT NOT NULL DEFAULT '';",
        "ALTER TABLE lamps ADD COLUMN x TEXT;",
        "-- Nothing may DROP here.\nALTER TABLE lamps ADD COLUMN x TEXT;",
        "-- contract: release 2 stopped using it.\nDROP TABLE lamps;",
        "DROP INDEX idx_lamps_x;",
    ],
)
def test_lint_accepts_what_an_older_release_can_live_with(tmp_path: Path, up: str) -> None:
    _put(tmp_path, "0002_b", up=up)

    assert list(lint(tmp_path)) == []


def test_lint_finds_nothing_in_the_shipped_migrations() -> None:
    assert list(lint()) == []


@pytest.mark.parametrize("kind", list(StoreKind))
def test_shipped_migrations_have_the_same_names_on_both_databases(kind: StoreKind) -> None:
    labels = [
        [each.label for each in discover(dialect, kind)] for dialect in ("sqlite", "postgres")
    ]

    assert labels[0] == labels[1]
