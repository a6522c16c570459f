from __future__ import annotations

import pytest

from tidemill.jobs.isolation.plan import BASE, WIDE, environment_of


@pytest.mark.parametrize(
    ("language", "content", "environment"),
    [
        ("python", "def main(): return 1", BASE),
        ("python", "import json\ndef main(): return 1", BASE),
        ("python", "async def main(): return 1", WIDE),
        ("python", "import urllib.request", WIDE),
        ("bash", "echo async", BASE),
    ],
)
def test_environment_of_is_wide_only_for_scripts_that_need_it(
    language: str, content: str, environment: str
) -> None:
    assert environment_of(language, content) == environment
