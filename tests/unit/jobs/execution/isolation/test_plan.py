from __future__ import annotations

import pytest

from tidemill.jobs.execution.isolation.plan import BASE, WIDE, Environment, environment_of


@pytest.mark.parametrize(
    ("content", "environment"),
    [
        ("def main(): return 1", BASE),
        ("import json\ndef main(): return 1", BASE),
        ("async def main(): return 1", WIDE),
        ("import urllib.request", WIDE),
    ],
)
def test_environment_of_is_wide_only_for_scripts_that_need_it(
    content: str, environment: Environment
) -> None:
    assert environment_of(content) == environment
