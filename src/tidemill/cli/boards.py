"""What `tidemill board` shows: columns side by side as lines of text; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from tidemill.cli.output import printable

_GAP: Final = "  "
_width_min: Final = 14
_width_max: Final = 40

Thing = Mapping[str, Any]


def frame(board: Thing, width: int) -> list[str]:
    """Return a board as lines of at most `width` characters; what does not fit beside goes below.

    `board` is what the API answers.
    """
    columns = board["columns"]
    if not columns:
        return ["The board has no columns."]
    beside = max(1, min(len(columns), (width + len(_GAP)) // (_width_min + len(_GAP))))
    wide = min(_width_max, (width + len(_GAP)) // beside - len(_GAP))
    lines: list[str] = []
    for start in range(0, len(columns), beside):
        places = range(start, min(start + beside, len(columns)))
        lines += [*([""] if lines else ()), *_band(board, places, wide)]
    lines += _notes(board)
    return [printable(line)[:width].rstrip() for line in lines]


def _band(board: Thing, places: Sequence[int], wide: int) -> Iterator[str]:
    """Yield columns that stand side by side: their headings, and what is below each."""
    columns = board["columns"]
    yield _row([_heading(columns[place]) for place in places], wide)
    yield _row(["─" * wide for _ in places], wide)
    if board["lane_field"] is None:
        yield from _side_by_side([columns[place] for place in places], wide)
    for lane in board["lanes"]:
        cells = [lane["cells"][place] for place in places]
        if any(cell["count"] for cell in cells):
            yield f"▸ {_lane_name(lane, board['lane_field'])} {_count(lane)}"
            yield from _side_by_side(cells, wide)


def _side_by_side(cells: Sequence[Thing], wide: int) -> Iterator[str]:
    for texts in zip_longest(*(_cards(cell, wide) for cell in cells), fillvalue=""):
        yield _row(texts, wide)


def _cards(cell: Thing, wide: int) -> Iterator[str]:
    for card in cell["cards"]:
        who = card["assignee"]
        marks = [card["key"], "⛔" if card["blocked"] else ""]
        if card["priority"] in {"critical", "high"}:
            marks.append(f"!{card['priority']}")
        if who is not None:
            marks.append(f"@{who['name'] or who['id']}")
        yield _cut(" ".join(mark for mark in marks if mark), wide)
        yield _cut(f" {card['title']}", wide)
    left = cell["count"] - len(cell["cards"])
    if left > 0:
        yield _cut(f"… {left} more", wide)


def _heading(column: Thing) -> str:
    return f"{column['name']} {_count(column)}"


def _count(place: Thing) -> str:
    """Return how many items a place has, with its limit."""
    limit = place["limit"]
    if limit is None:
        return str(place["count"])
    over = " OVER" if limit["is_over"] else ""
    # What a filter hides counts towards a limit.
    hidden = "" if limit["count"] == place["count"] else f"{place['count']}, "
    return f"{hidden}{limit['count']}/{limit['items_max']}{over}"


def _lane_name(lane: Thing, field: str) -> str:
    if lane["value"] is None:
        return f"no {field.replace('_', ' ')}"
    name = lane["name"] or lane["value"]
    return f"{lane['item_key']} {name}" if lane["item_key"] else str(name)


def _notes(board: Thing) -> Iterator[str]:
    over = [one for one in board["persons"] if one["limit"]["is_over"]]
    if over or board["lanes_left_out"] or board["statuses_left_out"]:
        yield ""
    for person in over:
        limit = person["limit"]
        yield f"{person['name']} has begun {limit['count']} items of {limit['items_max']}."
    if board["lanes_left_out"]:
        yield f"{board['lanes_left_out']} more lanes; --filter brings them in."
    if board["statuses_left_out"]:
        told = (f"{one['count']} {one['status']}" for one in board["statuses_left_out"])
        yield f"In no column: {', '.join(told)}."


def _row(texts: Sequence[str], wide: int) -> str:
    return _GAP.join(_cut(text, wide).ljust(wide) for text in texts)


def _cut(text: str, wide: int) -> str:
    plain = " ".join(text.split("\n"))
    return plain if len(plain) <= wide else f"{plain[: wide - 1]}…"
