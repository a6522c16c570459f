"""What every test stands on: tiers, real services, a run of its own, and nothing left behind."""

from __future__ import annotations

import pytest

pytest_plugins = (
    "tests.fixtures.run",
    "tests.fixtures.tiers",
    "tests.fixtures.services",
    "tests.fixtures.databases",
    "tests.fixtures.prepared",
    "tests.fixtures.leftovers",
)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Run async tests on asyncio, as production does."""
    return "asyncio", {"use_uvloop": False}
