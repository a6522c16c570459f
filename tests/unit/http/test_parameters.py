from __future__ import annotations

import pytest
from msgspec import Struct

from tidemill.http import check_found, check_version
from tidemill.http.parameters import InvalidIfMatch, VersionChanged, expected_by, if_match_tags_max


class Quay(Struct):
    version: int = 3
    created_at: int = 0xAB


@pytest.mark.parametrize(
    "header",
    ['"v3"', '"v2", "v3"', '"v3","v2"', '"v2" ,, "v3.0123456789abcdef.ab",', 'W/"v2", "v3"', "*"],
)
def test_if_match_matches_where_one_of_its_tags_is_the_current_one(header: str) -> None:
    check_found(Quay(), expected_by(header))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('"v2"', "You changed version 2"),
        ('"v1", "v2"', "You changed version 2"),
        ('W/"v3"', "A weak ETag never matches"),
        ('"v2", W/"v3"', "A weak ETag never matches"),
        ('"v3.0123456789abcdef.ac"', "another one was made in its place"),
    ],
)
def test_if_match_matches_strongly(header: str, said: str) -> None:
    with pytest.raises(VersionChanged, match=said):
        check_found(Quay(), expected_by(header))


def test_if_match_of_any_version_needs_one() -> None:
    with pytest.raises(VersionChanged, match="There is none yet"):
        check_found(None, expected_by("*"))


def test_if_match_of_any_version_matches_what_was_never_changed() -> None:
    check_version(0, expected_by("*"))


@pytest.mark.parametrize(
    "header",
    ["", " , ", "v3", '"3"', '"v3" "v4"', '*, "v3"', ",".join(['"v3"'] * (if_match_tags_max + 1))],
)
def test_if_match_refuses_what_is_no_list_of_tags(header: str) -> None:
    with pytest.raises(InvalidIfMatch):
        expected_by(header)
