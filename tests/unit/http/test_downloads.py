from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.http.downloads import RangeNotSatisfiable, content_disposition, range_of


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, 10)),
        ("bytes=2-999", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-999", (0, 10)),
        ("bytes = 2 - 5", (2, 6)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_range_of_ten_bytes(header: str | None, found: tuple[int, int] | None) -> None:
    assert range_of(header, 10) == found


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_range_of_refuses_what_begins_behind_the_end(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as error:
        range_of(header, 10)

    assert error.value.headers == {"Content-Range": "bytes */10"}


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.png", 'attachment; filename="a.png"'),
        ('a"b.png', "attachment; filename=\"a_b.png\"; filename*=UTF-8''a%22b.png"),
        ("Löwe.png", "attachment; filename=\"L_we.png\"; filename*=UTF-8''L%C3%B6we.png"),
        ("a b;c.txt", 'attachment; filename="a b;c.txt"'),
    ],
)
def test_content_disposition_names_the_file(name: str, header: str) -> None:
    assert content_disposition(name, inline=False) == header


def test_content_disposition_lets_pictures_be_shown() -> None:
    assert content_disposition("a.png", inline=True).startswith("inline; ")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_content_disposition_is_one_line_of_ascii(name: str) -> None:
    header = content_disposition(name, inline=False)

    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
