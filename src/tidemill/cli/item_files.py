"""A work item as a file that people edit: its fields line by line, then its description; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from tidemill.cli.merging import chosen_of, is_mark, marked, merged

FIELDS: Final = (
    "title", "status", "priority", "assignee", "labels", "points", "estimate", "start", "due",
    "parent", "sprint",
)  # fmt: skip
"""The fields of a file in their order; `description` is all that comes below them."""
DESCRIPTION: Final = "description"
_RULE: Final = "---"
_COMMENT: Final = "#"

Values = Mapping[str, str]
"""The text of each field; what is empty has no value."""


class InvalidFile(Exception):
    """A file cannot be read back; says which line is wrong, and what would do."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"Line {line}: {problem}")


class Merge(Struct, frozen=True):
    """What two changes make together: the values, and which fields both changed otherwise.

    Of the description both are in its value, between marks; of other fields `theirs` has the other.
    """

    values: Values
    theirs: Values
    overlapping: tuple[str, ...]


def written(
    values: Values, remarks: Sequence[str], overlap: Merge | None = None, whose: str = ""
) -> str:
    """Return the file of an item, with remarks at its head, and both values where they overlap."""
    lines = [_RULE, *(f"{_COMMENT} {remark}" for remark in remarks)]
    for name in FIELDS:
        mine = f"{name}: {values[name]}".rstrip()
        if overlap is not None and name in overlap.overlapping:
            lines += marked([mine], [f"{name}: {overlap.theirs[name]}".rstrip()], whose)
        else:
            lines.append(mine)
    return "\n".join([*lines, _RULE, "", values[DESCRIPTION], ""])


def read(text: str) -> dict[str, str]:
    """Return the values that a file says; raises `InvalidFile`."""
    lines = text.replace("\r\n", "\n").split("\n")
    values: dict[str, str] = {}
    end = _head_end(lines)
    for number, line in enumerate(lines[1:end], start=2):
        _check_chosen(number, line)
        if not line.strip() or line.startswith(_COMMENT):
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or name not in FIELDS:
            raise InvalidFile(number, f"A field is one of {', '.join(FIELDS)}, and a colon.")
        if name in values:
            raise InvalidFile(number, f"{name} is said twice; remove one.")
        values[name] = value.strip()
    missing = [name for name in FIELDS if name not in values]
    if missing:
        raise InvalidFile(end + 1, f"Leave {missing[0]} there; an empty value clears it.")
    for number, line in enumerate(lines[end + 1 :], start=end + 2):
        _check_chosen(number, line)
    values[DESCRIPTION] = "\n".join(lines[end + 1 :]).removeprefix("\n").removesuffix("\n")
    return values


def differing(old: Values, new: Values) -> dict[str, str]:
    """Return the values of `new` that `old` has otherwise."""
    return {name: value for name, value in new.items() if value != old[name]}


def together(base: Values, mine: Values, theirs: Values, whose: str) -> Merge:
    """Return what two changes of `base` make together; labels and lines are merged one by one."""
    values: dict[str, str] = {}
    overlapping: list[str] = []
    for name in FIELDS:
        if name == "labels":
            values[name] = _labels_together(base[name], mine[name], theirs[name])
            continue
        chosen = chosen_of([base[name]], [mine[name]], [theirs[name]])
        values[name] = mine[name] if chosen is None else chosen[0]
        overlapping += [name] if chosen is None else []
    description, overlaps = merged(base[DESCRIPTION], mine[DESCRIPTION], theirs[DESCRIPTION], whose)
    values[DESCRIPTION] = description
    return Merge(values, theirs, (*overlapping, *([DESCRIPTION] if overlaps else [])))


def names_of(text: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name for part in text.split(",") if (name := part.strip())]


def _labels_together(base: str, mine: str, theirs: str) -> str:
    before, after = names_of(base), names_of(mine)
    kept = [name for name in names_of(theirs) if name in after or name not in before]
    added = [name for name in after if name not in before and name not in kept]
    return ", ".join([*kept, *added])


def _head_end(lines: Sequence[str]) -> int:
    if lines[0].rstrip() != _RULE:
        raise InvalidFile(1, f"The file begins with a line of {_RULE}.")
    for place, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _RULE:
            return place
    raise InvalidFile(len(lines), f"A line of {_RULE} ends the fields.")


def _check_chosen(number: int, line: str) -> None:
    if is_mark(line):
        raise InvalidFile(number, "Choose one of both, and remove the lines of marks.")
