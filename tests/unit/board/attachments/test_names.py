from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.attachment_errors import InvalidFileName
from tidemill.board.attachments.names import bytes_max, chars_max, clean_name


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("photo.png", "photo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\gauge.log", "gauge.log"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\x00b\r\nc\x7f.txt", "abc.txt"),
        ("zero\u200bwidth\ufeff.md", "zerowidth.md"),
        ("  two   blanks .txt. ", "two blanks .txt"),
        ('wh<a>t:"is|this?*', "wh_a_t__is_this__"),
        ("Lo\u0308we.png", "Löwe.png"),
        (".gitignore", ".gitignore"),
        ("潮汐表.csv", "潮汐表.csv"),
        ("half\ud83d.png", "half.png"),
    ],
)
def test_clean_name_keeps_what_people_see(given_name: str, name: str) -> None:
    assert clean_name(given_name, param="name") == name


@pytest.mark.parametrize(
    ("given_name", "reason"),
    [
        ("", "nothing that people see"),
        ("logs/", "nothing that people see"),
        ("..", "nothing that people see"),
        ("\u202e\u200b", "nothing that people see"),
        ("x" * (chars_max + 1), "201 characters"),
        ("潮" * 90, "270 bytes"),
    ],
)
def test_clean_name_refuses_what_is_none(given_name: str, reason: str) -> None:
    with pytest.raises(InvalidFileName, match=reason) as error:
        clean_name(given_name, param="name")

    assert error.value.param == "name"


@given(st.text(max_size=60))
def test_clean_name_gives_one_part_of_a_path(text: str) -> None:
    try:
        name = clean_name(text, param="name")
    except InvalidFileName:
        return

    assert not set("/\\\r\n\x00") & set(name)
    assert name.strip(". ")
    assert len(name.encode()) <= bytes_max
    assert all(unicodedata.category(each) not in {"Cc", "Cf"} for each in name)
    assert clean_name(name, param="name") == name
