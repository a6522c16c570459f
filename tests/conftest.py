"""What every test stands on: tiers, real services, a run of its own, and nothing left behind."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy stalls for longer than an example may take: time is no failure here. The
# rest is as hypothesis has it, for those who develop or, where `CI` is set, for all.
settings.register_profile(
    "tests",
    settings(),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tests")

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
