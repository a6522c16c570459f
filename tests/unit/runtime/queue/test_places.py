from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.runtime.queue.places import DatabaseUnusable, place_of


def test_place_of_postgres_has_a_schema_of_its_own() -> None:
    place = place_of("postgresql://shop:secret@db.example.org:5433/shop")

    assert (place.schema_prefix, place.bus_prefix) == ("tidemill_", "tidemill_tidemill")
    assert place.has_no_server
    assert place.bus_url == place.url
    assert "secret" not in str(place.state)


def test_place_of_postgres_without_a_prefix_is_a_servers() -> None:
    place = place_of("postgresql://127.0.0.1/shop", schema_prefix="")

    assert not place.has_no_server
    assert place.bus_prefix == "tidemill"


@pytest.mark.parametrize(
    "database", ["sqlite:///jobs.db", "jobs.db", Path("jobs.db"), "sqlite://jobs.db"]
)
def test_place_of_sqlite_is_a_file(
    database: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    place = place_of(database)

    assert place.url is None
    assert place.file == tmp_path / "jobs.db"
    assert place.state == tmp_path / "jobs.db.state"


def test_place_of_sqlite_takes_four_slashes_for_the_root() -> None:
    assert place_of("sqlite:////srv/jobs.db").file == Path("/srv/jobs.db")


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        ("mysql://db/shop", "mysql:// is no database"),
        ("sqlite://", "needs a file"),
        (":memory:", "needs a file"),
        ("postgresql:///shop", "names no host"),
        ("/", "is a directory"),
        ("sqlite:////nowhere/jobs.db", "There is no directory /nowhere; make it first"),
    ],
)
def test_place_of_refuses_what_is_no_queue(database: str, reason: str) -> None:
    with pytest.raises(DatabaseUnusable, match=reason):
        place_of(database)
