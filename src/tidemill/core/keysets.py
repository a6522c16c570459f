"""Keys of cursors come from outside: they are checked before they reach a query."""

from __future__ import annotations

from typing import Final

from tidemill.core.pages import InvalidCursor, Key, PageRequest

_int_max: Final = 2**63 - 1
_text_chars_max: Final = 200


def after_number(page: PageRequest) -> int | None:
    """Return the number to go on after; raises `InvalidCursor` for any other key."""
    if page.after is None:
        return None
    (number,) = _of_length(page.after, 1)
    return _number(number)


def after_text(page: PageRequest) -> str | None:
    """Return the text to go on after; raises `InvalidCursor` for any other key."""
    if page.after is None:
        return None
    (text,) = _of_length(page.after, 1)
    return _text(text)


def after_number_and_text(page: PageRequest) -> tuple[int, str] | None:
    """Return number and text to go on after; raises `InvalidCursor` for any other key."""
    if page.after is None:
        return None
    number, text = _of_length(page.after, 2)
    return _number(number), _text(text)


def after_texts(page: PageRequest) -> tuple[str, str] | None:
    """Return the two texts to go on after; raises `InvalidCursor` for any other key."""
    if page.after is None:
        return None
    first, second = _of_length(page.after, 2)
    return _text(first), _text(second)


def after_numbers_and_text(page: PageRequest) -> tuple[int, int, str] | None:
    """Return two numbers and text to go on after; raises `InvalidCursor` for any other key."""
    if page.after is None:
        return None
    first, second, text = _of_length(page.after, 3)
    return _number(first), _number(second), _text(text)


def after_numbers_and_texts(page: PageRequest) -> tuple[int, int, str, str] | None:
    """Return two numbers and texts to go on after; raises `InvalidCursor` for any other key."""
    if page.after is None:
        return None
    first, second, text, last = _of_length(page.after, 4)
    return _number(first), _number(second), _text(text), _text(last)


def _of_length(key: Key, length: int) -> Key:
    if len(key) != length:
        raise InvalidCursor
    return key


def _number(value: str | int | None) -> int:
    if not isinstance(value, int) or not 0 <= value <= _int_max:
        raise InvalidCursor
    return value


def _text(value: str | int | None) -> str:
    if not isinstance(value, str) or len(value) > _text_chars_max or not _plain(value):
        raise InvalidCursor
    return value


def _plain(text: str) -> bool:
    return text.isascii() and (text == "" or text.isprintable())
