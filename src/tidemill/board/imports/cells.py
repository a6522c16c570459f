"""Days, numbers and labels as other tools write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from tidemill.board.comments.models import valid_content
from tidemill.board.errors import InvalidText
from tidemill.board.imports.models import Remark
from tidemill.board.label_errors import TooManyLabels
from tidemill.board.labels.models import valid_name
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import name_key
from tidemill.board.work_items.models import estimate_seconds_max, valid_points

_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
_NAMED: Final = re.compile(r"(\d{1,2})[/ -]([A-Za-z]{3})[a-z]*[/ -](\d{4}|\d{2})(?: .*)?")
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_NUMBER: Final = re.compile(r"(\d{1,9})(?:[.,]0+)?")
_HOURS: Final = re.compile(r"\d{1,6}(?:[.,]\d{1,6})?")
_TIME: Final = re.compile(r"[\d/]\S*[\d/]")
_MARKS: Final = re.compile(r"[\s*_\[\]<>`\\@]+")
_BETWEEN_LABELS: Final = re.compile(r"[,;]")
_YES: Final = frozenset({"yes", "true"})
_NO: Final = frozenset({"no", "false"})
_century: Final = 2000


def day_of(text: str, param: str) -> str:
    """Return a day as YYYY-MM-DD.

    `31/03/2026` and `03/31/2026` are not taken: nobody can tell which is meant by `04/03/2026`.
    Raises `InvalidText`.
    """
    text = text.strip()
    try:
        if match := _ISO.fullmatch(text):
            return date(*map(int, match.groups())).isoformat()
        if match := _NAMED.fullmatch(text):
            day, name, year = match.groups()
            month = _MONTHS.index(name.lower()) + 1
            century = _century if len(year) == len("26") else 0
            return date(int(year) + century, month, int(day)).isoformat()
    except ValueError as error:
        raise InvalidText(param, "there is no such day.") from error
    raise InvalidText(param, "this is no day of a form that is understood.")


def yes_of(text: str) -> bool:
    """Return what `yes`, `no`, `true` and `false` say; raises `InvalidText`."""
    word = text.strip().casefold()
    if word not in _YES | _NO:
        raise InvalidText("archived", "this is neither yes nor no.")
    return word in _YES


def points_of(text: str) -> int | None:
    """Return points, also those written as `3.0`; raises `InvalidText` and `InvalidPoints`."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise InvalidText("points", "this is no whole number.")
    return valid_points(int(match[1]))


def seconds_of(text: str) -> int | None:
    """Return an estimate of whole seconds; raises `InvalidText`."""
    match = _NUMBER.fullmatch(text.strip())
    return _estimate(None if match is None else Decimal(match[1]))


def hours_of(text: str) -> int | None:
    """Return the seconds of an estimate in hours such as `1.5` or `1,5`; raises `InvalidText`."""
    match = _HOURS.fullmatch(text.strip())
    return _estimate(None if match is None else Decimal(match[0].replace(",", ".")) * 3600)


def _estimate(seconds: Decimal | None) -> int | None:
    if seconds is None or seconds > estimate_seconds_max:
        raise InvalidText("estimate", "this is no number, or too large.")
    # As nobody estimates it, tools write it, too.
    return int(seconds) or None


def remark_of(cell: str) -> Remark:
    """Return a comment as Jira's CSV has it: the time, the author and the text."""
    parts = cell.split(";", 2)
    if len(parts) == len(("at", "author", "text")) and _TIME.match(parts[0]):
        return Remark(parts[2], parts[1].strip() or None, parts[0].strip() or None)
    return Remark(cell)


def remark_text(remark: Remark, limits: BoardLimits) -> str:
    """Return the comment that a row's comment becomes; raises `InvalidText`.

    It says who wrote it and when, since the one who imports it becomes its author.
    """
    said = ", ".join(part for part in (remark.author, remark.at) if part)
    heading = f"*{_MARKS.sub(' ', said)}*\n\n" if said else ""
    return valid_content(heading + remark.text, limits)


def labels_of(
    cells: Iterable[str], limits: BoardLimits, whole: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the names in cells, parted by commas or semicolons, and those that are `whole`.

    Raises `InvalidText`, `InvalidLabelName` and `TooManyLabels`.
    """
    words = (word for cell in cells for word in _BETWEEN_LABELS.split(cell) if word.strip())
    # Names here are parted by these, so they cannot hold them.
    parted = (_BETWEEN_LABELS.sub(" ", word) for word in whole)
    names = [valid_name(word, limits, param="labels") for word in (*words, *parted)]
    labels = {name_key(name): name for name in names}
    if len(labels) > limits.labels_per_item_max:
        raise TooManyLabels(len(labels), limits.labels_per_item_max)
    return tuple(labels.values())
