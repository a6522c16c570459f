"""Each migration goes up and down, and exists for both databases under one name."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.architecture.sources import ROOT

STORES: Final = ("control", "tenant", "jobs")
NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.(up|down)\.sql")


def _names(database: str, store: str) -> set[str]:
    return {file.name for file in (ROOT / "migrations" / database / store).iterdir()}


@pytest.mark.parametrize("store", STORES)
def test_both_databases_have_the_same_migrations(store: str) -> None:
    assert _names("sqlite", store) == _names("postgres", store)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_each_migration_goes_up_and_down(database: str, store: str) -> None:
    names = _names(database, store)

    badly_named = {name for name in names if not NAME.fullmatch(name)}
    ups = {name.removesuffix(".up.sql") for name in names if name.endswith(".up.sql")}
    downs = {name.removesuffix(".down.sql") for name in names if name.endswith(".down.sql")}

    assert badly_named == set()
    assert ups == downs
    numbers = [name[:4] for name in ups]
    assert len(numbers) == len(set(numbers)), "two migrations have one number"
