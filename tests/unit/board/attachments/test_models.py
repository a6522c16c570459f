from __future__ import annotations

import pytest

from tests.fixtures.attachments import a_file
from tidemill.board.attachment_errors import FileTypeMismatch, FileTypeRefused
from tidemill.board.attachments.models import SHOWN_INLINE, is_allowed, type_of
from tidemill.core.config import Config

PNG = b"\x89PNG\r\n\x1a\n"
ZIP = b"PK\x03\x04"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ALL = ("*/*",)


@pytest.mark.parametrize(
    ("name", "said", "head", "media_type"),
    [
        ("a.png", "image/png", PNG, "image/png"),
        ("A.PNG", None, PNG, "image/png"),
        ("picture", None, PNG, "image/png"),
        ("a.docx", "application/zip", ZIP, DOCX),
        ("a.thing", "application/x-thing", ZIP, "application/zip"),
        ("a.md", "text/plain", b"# Tides", "text/markdown"),
        ("a.rs", "text/x-rust", b"fn main() {}", "text/plain"),
        ("a.svg", "image/svg+xml", b"<svg/>", "image/svg+xml"),
        ("a.bin", None, b"\x00\x01", "application/octet-stream"),
    ],
)  # fmt: skip
def test_type_of_is_what_content_and_name_show(
    name: str, said: str | None, head: bytes, media_type: str
) -> None:
    assert type_of(a_file(name, media_type=said), name, head, ALL) == media_type


@pytest.mark.parametrize(
    ("name", "said", "head", "param"),
    [
        ("a.png", None, b"<script>", "name"),
        ("a.txt", None, PNG, "name"),
        ("a.pdf", "application/pdf", ZIP, "name"),
        ("a.png", "text/html", PNG, "Content-Type"),
        ("a", "image/png", b"<script>", "Content-Type"),
        ("a.txt", "image/svg+xml", PNG, "name"),
    ],
)
def test_type_of_refuses_what_contradicts_itself(
    name: str, said: str | None, head: bytes, param: str
) -> None:
    with pytest.raises(FileTypeMismatch) as error:
        type_of(a_file(name, media_type=said), name, head, ALL)

    assert error.value.param == param


@pytest.mark.parametrize(
    ("name", "head", "allowed"),
    [
        ("a.png", PNG, ("image/jpeg", "text/*")),
        ("a.txt", b"<html>", ("text/plain",)),
        ("a.txt", b"<svg>", ("text/*",)),
        ("a", b"\x7fELF", Config().board.attachment_types),
        ("a.bin", b"\x00", Config().board.attachment_types),
        ("a.exe", b"MZ\x00", Config().board.attachment_types),
    ],
)
def test_type_of_refuses_what_the_tenant_does_not_take(
    name: str, head: bytes, allowed: tuple[str, ...]
) -> None:
    with pytest.raises(FileTypeRefused):
        type_of(a_file(name), name, head, allowed)


def test_is_allowed_takes_whole_types_and_their_begins() -> None:
    assert is_allowed("image/png", ("text/*", "image/*"))
    assert is_allowed("application/vnd.rar", ("application/vnd.*",))
    assert is_allowed("anything/else", ("*/*",))
    assert not is_allowed("image/png", ("image/pn", "text/*"))
    assert not is_allowed("image/png", ())


def test_nothing_that_browsers_run_is_shown_inline() -> None:
    assert {"image/png", "image/jpeg", "image/gif", "image/webp"} == SHOWN_INLINE
