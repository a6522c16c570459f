from __future__ import annotations

import pytest

from tidemill.jobs.execution.isolation.inside.bash import in_declared_order


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a="$1"\nb="$2"', ["A", "B"]),
        ("b=$1\na=$2", ["B", "A"]),
        ('local a="${1:-x}"\nexport b=${2}', ["A", "B"]),
        ('a="$2"', ["", "A"]),
        ('a="$1"\nmissing="$2"', ["A"]),
        ('echo "$1"', ["B", "A"]),
        ("", ["B", "A"]),
    ],
)
def test_in_declared_order_follows_the_script(content: str, expected: list[str]) -> None:
    assert in_declared_order(content, {"b": "B", "a": "A"}) == expected
