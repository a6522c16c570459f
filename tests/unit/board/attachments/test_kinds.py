from __future__ import annotations

import pytest

from tidemill.board.attachments.kinds import (
    BY_EXTENSION,
    CONTENT_OF,
    TEXT,
    UNKNOWN,
    content_of,
    head_bytes,
    is_text,
    markup_of,
)


@pytest.mark.parametrize(
    ("head", "content"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"\xff\xd8\xff\xe0\x00", "image/jpeg"),
        (b"GIF89a\x00", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x00\x00\x00\x00ACON", UNKNOWN),
        (b"\x00\x00\x00\x18ftypheic", "image/heif"),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"\x00" * 257 + b"ustar\x0000", "application/x-tar"),
        (b"MZ\x90\x00\x03", "application/x-msdownload"),
        (b"\x7fELF\x02", "application/x-executable"),
        (b"MZ is how programs begin, and this text, too.", TEXT),
        (b"BM, a bitmap?", TEXT),
        ("Ebbe und Flüsse".encode(), TEXT),
        ("潮".encode("utf-16"), TEXT),
        (b"\xffno text", UNKNOWN),
        (b"tide\x00", UNKNOWN),
    ],
)
def test_content_of_knows_files_by_their_begin(head: bytes, content: str) -> None:
    assert content_of(head) == content


def test_is_text_forgives_a_character_that_is_cut_by_the_limit() -> None:
    cut = (b"x" * (head_bytes - 1) + "é".encode())[:head_bytes]

    assert is_text(cut)
    assert not is_text(cut[10:]), "a file that ends within a character is none"


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("<!DOCTYPE html><p>", "text/html"),
        ("\ufeff\n <!-- a --> <!-- b --><HTML>", "text/html"),
        ("<script>alert(1)</script>", "text/html"),
        ('<?xml version="1.0"?>\n<svg onload="alert(1)">', "image/svg+xml"),
        ("<!doctype svg>", "image/svg+xml"),
        ('<?xml version="1.0"?><tides/>', None),
        ("# Tides\n<script>", None),
        ("<htmlish>", None),
    ],
)
def test_markup_of_finds_what_browsers_run(text: str, markup: str | None) -> None:
    assert markup_of(text.encode()) == markup


def test_markup_of_many_comments_takes_no_time() -> None:
    assert markup_of(b"<!---->" * 580 + b"x") is None


def test_kinds_say_the_same_of_a_type_under_each_extension() -> None:
    assert {kind.media_type: kind.content for kind in BY_EXTENSION.values()}.items() <= (
        CONTENT_OF.items()
    )
    assert all(CONTENT_OF[kind.media_type] == kind.content for kind in BY_EXTENSION.values()), (
        "a type looks in two ways"
    )
    assert all(extension == extension.lower() for extension in BY_EXTENSION)
