from __future__ import annotations

import pytest

from tidemill.http.described_names import group_of, summary_of


@pytest.mark.parametrize(
    ("handler", "phrase"),
    [("get_job", "Get job"), ("list_api_tokens", "List API tokens"), ("refresh", "Refresh")],
)
def test_summary_of_reads_as_a_phrase(handler: str, phrase: str) -> None:
    assert summary_of(handler) == phrase


@pytest.mark.parametrize(
    ("path", "root", "group"),
    [
        ("/work-items/{id:str}/comments", False, "Work items"),
        ("/api-tokens", False, "API tokens"),
        ("/health", True, "Server"),
        ("/", False, "Server"),
    ],
)
def test_group_of_is_the_first_segment(path: str, *, root: bool, group: str) -> None:
    assert group_of(path, root=root) == group
