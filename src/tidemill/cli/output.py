"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from tidemill.cli.failures import CommandFailed

Column = tuple[str, str | Callable[[Mapping[str, Any]], object]]
"""A heading, and the field or function that fills it."""

_state = {"json": False, "more": False}
_width_max: Final = 60
_INDENT: Final = "    "
_CONTROLS: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def choose_json(value: bool) -> bool:
    """Remember that `--json` was given; called as the option's callback."""
    if value:
        _state["json"] = True
    return value


def wants_json() -> bool:
    """Return whether `--json` was given."""
    return _state["json"]


def reset() -> None:
    """Forget `--json`, at the start of a command."""
    _state.update(json=False, more=False)


def remember_more() -> None:
    """Remember that a list goes on beyond what was read; `emit_rows` says so."""
    _state["more"] = True


def emit(document: object, human: Callable[[], str] | str = "") -> None:
    """Print `document` as JSON, or `human` for people."""
    if wants_json():
        line(_json(document, indent=2))
        return
    text = human() if callable(human) else human
    if text:
        line(text)


def emit_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], none: str) -> None:
    """Print a list: as a JSON array, as a table, or `none` when it is empty."""
    emit(list(rows), lambda: table(rows, columns, window_width()) if rows else none)
    if _state["more"]:
        note(f"There are more than these {len(rows)}: -n says how many to show, --all shows all.")


def emit_event(event: Mapping[str, Any], human: str) -> None:
    """Print one event of a stream at once: a line of JSON, or a line for people."""
    line(_json(event, separators=(",", ":")) if wants_json() else human)


def line(text: str) -> None:
    """Print one line and hand it over at once, since somebody may be watching."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Say something that is not the result; silent with `--json`."""
    if not wants_json():
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()


def fail(error: CommandFailed) -> int:
    """Say why the command failed; return its exit code."""
    message = printable(" ".join(error.message.split()))
    if wants_json():
        detail = {"message": message, "code": error.code, "param": error.param}
        document: dict[str, object] = {"error": detail}
        if error.errors:
            document["errors"] = error.errors
        sys.stderr.write(_json(document) + "\n")
    else:
        sys.stderr.write(f"tidemill: {message}\n")
    return error.exit_code


def table(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], window: int | None = None
) -> str:
    """Return aligned columns without frames, which survive `cut` and `grep`.

    In a window of so many characters a long text is cut, and columns that are too many go on in
    further lines of their row; without a window, as in a pipe, everything is whole.
    """
    chars_max = None if window is None else _width_max
    cells = [[heading for heading, _ in columns]]
    cells += [[_cell(row, source, chars_max) for _, source in columns] for row in rows]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    parts = _parts(widths, window)
    return "\n".join(_aligned(row, widths, parts) for row in cells)


def _aligned(row: Sequence[str], widths: Sequence[int], parts: Sequence[Sequence[int]]) -> str:
    """Return a row in the lines that `parts` tells, without those that would be empty."""
    lines = (
        "  ".join(row[index].ljust(widths[index]) for index in part).rstrip() for part in parts
    )
    first = next(lines)
    return "\n".join([first, *(_INDENT + more for more in lines if more)])


def _parts(widths: Sequence[int], window: int | None) -> list[list[int]]:
    """Return which columns stand in each line of a row."""
    parts: list[list[int]] = [[]]
    taken = 0
    for index, width in enumerate(widths):
        if window is not None and parts[-1] and taken + width > window:
            parts.append([])
            taken = len(_INDENT)
        parts[-1].append(index)
        taken += width + 2
    return parts


def window_width() -> int | None:
    """Return the width of the terminal; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fields(record: Mapping[str, Any], columns: Sequence[Column]) -> str:
    """Return one record, a line for each field that has a value."""
    pairs = [(heading, _text(record, source)) for heading, source in columns]
    shown = [(heading, text) for heading, text in pairs if text]
    width = max((len(heading) for heading, _ in shown), default=0)
    return "\n".join(f"{heading.ljust(width)}  {text}" for heading, text in shown)


def printable(text: str) -> str:
    """Return `text` without characters that could drive the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def _json(document: object, **layout: Any) -> str:
    """Return `document` as JSON that is safe on a terminal: JSON itself escapes C0 only."""
    return json.dumps(document, ensure_ascii=False, **layout).translate(_CONTROLS)


def moment(value: object, zone: str | None = None) -> str:
    """Return an instant, RFC 3339 text or whole seconds, by the clock of `zone`, and whose that is.

    Without a zone, or with one that this machine does not know, it is this machine's clock.
    """
    if isinstance(value, int | float):
        parsed = datetime.fromtimestamp(value, UTC)
    elif isinstance(value, str) and value:
        parsed = datetime.fromisoformat(value)
    else:
        return ""
    clock = _clock_of(zone) if zone else None
    local = parsed.astimezone(clock)
    named = zone if clock is not None else _offset(local)
    return f"{local:%Y-%m-%d %H:%M:%S} {named}"


def offset_of(instant: str, zone: str | None) -> timedelta | None:
    """Return how far the clock of `zone` is ahead of UTC then; None when it is not known here."""
    clock = _clock_of(zone) if zone else None
    return None if clock is None else datetime.fromisoformat(instant).astimezone(clock).utcoffset()


def when(field: str, zone: str | None = None) -> Callable[[Mapping[str, Any]], str]:
    """Return a column source that shows `field` as `moment` does."""
    return lambda row: moment(row.get(field), zone)


def _clock_of(zone: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few commands need its pages

    try:
        return ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        return None


def _offset(local: datetime) -> str:
    return "UTC" if not local.utcoffset() else f"{local:%z}"


def _cell(
    row: Mapping[str, Any],
    source: str | Callable[[Mapping[str, Any]], object],
    chars_max: int | None,
) -> str:
    text = " ".join(_text(row, source).split())
    if chars_max is None or len(text) <= chars_max:
        return text
    return text[: chars_max - 1] + "…"


def _text(row: Mapping[str, Any], source: str | Callable[[Mapping[str, Any]], object]) -> str:
    value = source(row) if callable(source) else row.get(source)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return printable(", ".join(str(part) for part in value))
    if isinstance(value, dict):
        return printable(json.dumps(value, ensure_ascii=False))
    return printable(str(value))
