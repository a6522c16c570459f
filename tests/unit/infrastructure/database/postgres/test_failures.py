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
