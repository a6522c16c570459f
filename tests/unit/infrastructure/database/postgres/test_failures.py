from __future__ import annotations

import asyncpg
import pytest

from tidemill.infrastructure.database.postgres.failures import store_unavailable


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidPasswordError("no"),
        asyncpg.InvalidAuthorizationSpecificationError("no"),
        asyncpg.InvalidCatalogNameError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_store_unavailable_tells_of_a_wrong_url_what_to_correct(error: Exception) -> None:
    told = store_unavailable("control", error)

    assert told is not None
    assert "`database.url`" in told.message
    assert "Try again" not in told.message


def test_store_unavailable_asks_for_patience_where_that_helps() -> None:
    told = store_unavailable("control", asyncpg.CannotConnectNowError("starting"))

    assert told is not None
    assert told.message.endswith("Try again in a moment.")
    assert told.reason == "the server starts"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u:pw@db.lan:5433/tidemill", " (db.lan:5433)"),
        ("postgresql://u:pw@db.lan/tidemill", " (db.lan:5432)"),
        ("postgresql://u:pw@[::1]/tidemill", " ([::1]:5432)"),
        ("postgresql:///tidemill?host=/run/postgresql", " (/run/postgresql:5432)"),
        ("postgresql://u:12/34@db.lan/tidemill", ""),
        ("postgresql://u:p/w@db.lan/tidemill", ""),
        ("postgresql://u:pw@one,two/tidemill", ""),
    ],
)
def test_store_unavailable_names_the_server_and_never_the_password(url: str, place: str) -> None:
    told = store_unavailable("PostgreSQL", OSError("no"), url=url)

    assert told is not None
    assert told.reason == f"the connection to the server failed{place}"
