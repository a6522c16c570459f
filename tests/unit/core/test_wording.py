from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta, Struct

from tidemill.core.wording import told


class Part(Struct, forbid_unknown_fields=True):
    image: Annotated[str, Meta(min_length=2, pattern="^[a-z]*$")]


class Whole(Struct):
    part: Part | None = None
    day: dt.date | None = None
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    names: Annotated[list[str], Meta(min_length=1)] | None = None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"part": {}}, "part.image is missing."),
        ({"part": {"image": "abc", "size": 1}}, "part.size is not one of its fields."),
        ({"part": {"image": "a"}}, "part.image: Expected at least 2 characters."),
        ({"part": {"image": "A1"}}, "part.image: Expected text of the form ^[a-z]*$"),
        ({"day": "soon"}, "day: Expected a day, such as 2026-01-31."),
        ({"count": 0}, "count: Expected a whole number of at least 1."),
        ({"count": 10}, "count: Expected a whole number of at most 9."),
        ({"names": []}, "names: Expected a list that is not empty."),
        ([], "Expected an object, got a list."),
    ],
)
def test_told_names_the_field_and_what_would_be_right(given: Any, expected: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(given, Whole)

    assert told(refused.value) == expected
