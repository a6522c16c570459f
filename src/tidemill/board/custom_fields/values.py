"""What items have in custom fields: how it is written, kept and compared.

Every value is a text: a number in plain decimals without needless digits, a day as `YYYY-MM-DD`,
the id of a choice or of a member.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tidemill.board.custom_field_errors import InvalidCustomField, InvalidCustomValue, value_param
from tidemill.board.custom_fields.models import CustomField, FieldType, Given, value_chars_max
from tidemill.board.errors import shown
from tidemill.board.texts import name_key, single_line

_decimals_max: Final = 6
_digits_max: Final = 12
# Texts up to here are compared as they are; behind it, by a digest of the rest.
_compared_chars_max: Final = 200
# A float of more digits may be another number than the one that was written.
_float_digits_max: Final = 15
_NUMBER: Final = re.compile(r"([+-]?)(\d{1,40})(?:\.(\d{1,40}))?")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_USER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BLANK: Final = re.compile(r"\s")
_NUMBER_WANTED: Final = (
    f"a number of at most {_digits_max} digits and {_decimals_max} decimals, such as 12.5"
)
_DAY_WANTED: Final = "a day such as 2026-03-31"
_LINK_SCHEMES: Final = frozenset({"http", "https"})


class Held(Struct, frozen=True, array_like=True):
    """One value of an item: the key and type of its field, and what it is."""

    key: str
    field_type: str
    value: str


Holdings = Mapping[str, Held]
"""What an item has, by the ids of the fields."""

_DECODER: Final = msgspec.json.Decoder(dict[str, Held])


def held(text: str | None) -> Holdings:
    """Return what an item keeps."""
    return _DECODER.decode(text) if text else {}


def kept(holdings: Holdings) -> str | None:
    """Return what an item has, as it keeps it."""
    ordered = dict(sorted(holdings.items(), key=lambda pair: pair[1].key))
    return msgspec.json.encode(ordered).decode() if ordered else None


def by_key(text: str | None) -> dict[str, str]:
    """Return what an item keeps, by the keys of the fields."""
    return dict(sorted((one.key, one.value) for one in held(text).values())) if text else {}


def valid_value(field: CustomField, given: Given, *, current: str | None = None) -> str | None:
    """Return a value as it is kept, None for nothing; whether a member is one, others check.

    A retired choice passes where it is `current`. Raises `InvalidCustomValue` and `InvalidText`.
    """
    if given is None:
        return None
    if field.field_type is FieldType.NUMBER:
        return _bounded(field, number(given) or _refused(field, given, _NUMBER_WANTED))
    if field.field_type is FieldType.DATE:
        return _bounded(field, day(given) or _refused(field, given, _DAY_WANTED))
    text = given if isinstance(given, str) else _refused(field, given, "a text in quotes")
    return _read(field, text, current)


def valid_bound(field_type: FieldType, given: Given, *, param: str) -> str | None:
    """Return a bound as values are written; raises `InvalidCustomField`."""
    if given is None:
        return None
    bound = day(given) if field_type is FieldType.DATE else number(given)
    if bound is None:
        wanted = _DAY_WANTED if field_type is FieldType.DATE else _NUMBER_WANTED
        raise InvalidCustomField(param, f"{shown(str(given))} is not {wanted}.")
    return bound


def check_bounds(field_type: FieldType, minimum: str | None, maximum: str | None) -> None:
    """Return when something lies between two bounds; raises `InvalidCustomField`."""
    if minimum is None or maximum is None:
        return
    if _is_less(field_type, maximum, minimum):
        raise InvalidCustomField("maximum", f"{maximum} is less than the minimum, {minimum}.")


def number(given: Given) -> str | None:
    """Return a number as it is kept; None where it is none, or not exact, or too long."""
    text = given.strip() if isinstance(given, str) else repr(given)
    if isinstance(given, float) and sum(map(str.isdigit, text.strip("0"))) > _float_digits_max:
        return None
    match = _NUMBER.fullmatch(text) if not isinstance(given, float) else _plain(given)
    if match is None or not text.isascii():
        return None
    whole, decimals = match[2].lstrip("0"), (match[3] or "").rstrip("0")
    if len(whole) > _digits_max or len(decimals) > _decimals_max:
        return None
    digits = (whole or "0") + (f".{decimals}" if decimals else "")
    return f"-{digits}" if match[1] == "-" and digits != "0" else digits


def day(given: Given) -> str | None:
    """Return a day as it is kept, or None where it is none."""
    if not isinstance(given, str) or _DAY.fullmatch(given.strip()) is None:
        return None
    try:
        return date.fromisoformat(given.strip()).isoformat()
    except ValueError:
        return None


def millionths(value: str) -> int:
    """Return a number that is kept, as an integer that both databases compare exactly."""
    return int(Decimal(value).scaleb(_decimals_max))


def ordinal(field_type: str, value: str) -> int | str:
    """Return what a value is compared by: an integer for numbers, a text for all others.

    Texts are alike whatever their case.
    """
    if field_type == FieldType.NUMBER:
        return millionths(value)
    if field_type == FieldType.TEXT:
        value = name_key(value)
    if len(value) <= _compared_chars_max:
        return value
    digest = hashlib.blake2b(value[_compared_chars_max:].encode(), digest_size=16).hexdigest()
    return f"{value[:_compared_chars_max]}{digest}"


def _read(field: CustomField, text: str, current: str | None) -> str:
    match field.field_type:
        case FieldType.CHOICE:
            return _chosen(field, text, current)
        case FieldType.LINK:
            return _link(field, text)
        case FieldType.USER:
            is_id = _USER_ID.fullmatch(text) is not None
            return text if is_id else _refused(field, text, "the id of a member")
        case _:
            length = field.rules.length_max or value_chars_max
            return single_line(text, param=value_param(field.key), chars_max=length)


def _plain(given: float) -> re.Match[str] | None:
    """Return a float without an exponent."""
    return _NUMBER.fullmatch(format(Decimal(repr(given)), "f"))


def _bounded(field: CustomField, value: str) -> str:
    rules, type_ = field.rules, field.field_type
    if rules.minimum is not None and _is_less(type_, value, rules.minimum):
        raise InvalidCustomValue(field.key, f"{value} is less than {rules.minimum}.")
    if rules.maximum is not None and _is_less(type_, rules.maximum, value):
        raise InvalidCustomValue(field.key, f"{value} is more than {rules.maximum}.")
    return value


def _is_less(field_type: FieldType, one: str, other: str) -> bool:
    if field_type is FieldType.NUMBER:
        return millionths(one) < millionths(other)
    return one < other


def _chosen(field: CustomField, text: str, current: str | None) -> str:
    choice = field.choice(text)
    if choice is None:
        offered = ", ".join(one.id for one in field.rules.choices if not one.is_retired)
        raise InvalidCustomValue(
            field.key, f"{shown(text)} is no choice. Choose one of {shown(offered, 400)}."
        )
    if choice.is_retired and choice.id != current:
        raise InvalidCustomValue(field.key, f"{shown(choice.name)} is chosen no more.")
    return choice.id


def _link(field: CustomField, text: str) -> str:
    link = text.strip()
    length = field.rules.length_max or value_chars_max
    if len(link) > length:
        raise InvalidCustomValue(field.key, f"A link has at most {length} characters here.")
    try:
        parts = urlsplit(link)
        is_link = parts.scheme.lower() in _LINK_SCHEMES and bool(parts.hostname)
    except ValueError:
        is_link = False
    if not is_link or _BLANK.search(link) or not link.isprintable():
        raise InvalidCustomValue(
            field.key, f"{shown(link)} is no link: write it from http:// or https:// on."
        )
    return link


def _refused(field: CustomField, given: Given, wanted: str) -> str:
    raise InvalidCustomValue(field.key, f"{shown(str(given))} is not {wanted}.")
