"""What msgspec says of a value that does not fit, in words for whoever wrote the value."""

from __future__ import annotations

import re
from typing import Final

_FIELD: Final = re.compile(r" - at `\$\.?([^`]*)`")
_MISSING_FIELD: Final = re.compile(r"missing required field `([^`]*)`")
_UNKNOWN_FIELD: Final = re.compile(r"unknown field `([^`]*)`")
# What msgspec calls by Python's or JSON's names, as people call it.
_KINDS: Final = re.compile(r"`(\w+)(?: \| null)?`")
_KIND_NAMES: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
_WANTED: Final = tuple(
    (re.compile(pattern), wanted)
    for pattern, wanted in (
        (
            r"Invalid RFC3339 encoded datetime",
            "Expected an instant with its zone, such as 2026-01-31T12:00:00Z.",
        ),
        (r"Invalid RFC3339 encoded date", "Expected a day, such as 2026-01-31."),
        (r"Invalid RFC3339 encoded time", "Expected a time of day, such as 12:00:00."),
        (r"Expected `str` of length >= 1(?!\d)", "Expected a text that is not empty."),
        (r"Expected `str` of length >= (\d+)", r"Expected at least \1 characters."),
        (r"Expected `str` of length <= (\d+)", r"Expected at most \1 characters."),
        (r"Expected `array` of length >= 1(?!\d)", "Expected a list that is not empty."),
        (r"Expected `array` of length >= (\d+)", r"Expected a list of at least \1."),
        (r"Expected `array` of length <= (\d+)", r"Expected a list of at most \1."),
        (r"Expected `int` >= (-?\d+)", r"Expected a whole number of at least \1."),
        (r"Expected `int` <= (-?\d+)", r"Expected a whole number of at most \1."),
        (r"Expected `float` >= (-?[\d.]+)", r"Expected a number of at least \1."),
        (r"Expected `float` <= (-?[\d.]+)", r"Expected a number of at most \1."),
        (r"Number out of range", "Expected a number of at most 1.8e308."),
        (r"Expected `str` matching regex '(.*)'(?: - at|$)", r"Expected text of the form \1"),
    )
)


def field_of(message: str) -> str | None:
    """Return the place that a message of msgspec names; None for the value as a whole."""
    match = _FIELD.search(message)
    return match[1] or None if match else None


def missing_in(message: str) -> str | None:
    """Return the field that is missing, with its place, where that is what is wrong."""
    return _below(message, _MISSING_FIELD)


def in_plain_words(message: str) -> str:
    """Return a sentence that says what would be right, without the place."""
    for known, wanted in _WANTED:
        if found := known.match(message):
            return found.expand(wanted)
    text = _FIELD.sub("", message).removeprefix("Object contains ").strip()
    text = _KINDS.sub(lambda kinds: _KIND_NAMES.get(kinds[1], kinds[1]), text)
    return text if text.endswith(".") else f"{text}."


def told(error: Exception) -> str:
    """Return a sentence with the field at fault, and what would be right."""
    message = str(error)
    if missing := missing_in(message):
        return f"{missing} is missing."
    if unknown := _below(message, _UNKNOWN_FIELD):
        return f"{unknown} is not one of its fields."
    field = field_of(message)
    text = in_plain_words(message)
    return f"{field}: {text}" if field else text


def _below(message: str, named: re.Pattern[str]) -> str | None:
    match, field = named.search(message), field_of(message)
    if match is None:
        return None
    return f"{field}.{match[1]}" if field else match[1]
