from __future__ import annotations

import pytest

from tidemill.jobs.execution.packages.pythons import BadRequirement, meets


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("", True),
        (">=3.11", True),
        (">=3.11,<4", True),
        (">=3.12", False),
        ("<3.11.5", True),
        ("<3.11", False),
        ("==3.11.*", True),
        ("==3.10.*", False),
        ("!=3.11.*", False),
        ("!=3.11.4", False),
        ("==3.11.4", True),
        ("==3.11", False),
        ("~=3.10", True),
        ("~=3.11.5", False),
        ("~=3.11.2", True),
        ("===3.11.4", True),
    ],
)
def test_meets_says_whether_python_3_11_4_will_do(requirement: str, expected: bool) -> None:
    assert meets(requirement, (3, 11, 4)) is expected


@pytest.mark.parametrize("requirement", ["3.11", ">=three", "~=3", ">=3.*", ">=3.11 <4"])
def test_meets_refuses_what_is_no_list_of_versions(requirement: str) -> None:
    with pytest.raises(BadRequirement):
        meets(requirement, (3, 11, 4))
