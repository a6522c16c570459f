"""CSV as RFC 4180 has it, and as spreadsheets write it.

The standard library's reader stops at the first malformed quote, or swallows the rest of the
file; this one says on which line the quote is and goes on, so that a report can list all rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from tidemill.board.errors import ImportUnreadable

DELIMITERS: Final = (",", ";", "\t", "|")
_QUOTED: Final = re.compile(r'"((?:[^"]++|"")*+)"')
_REST_OF_LINE: Final = re.compile(r"[^\r\n]*")
_NEWLINE: Final = re.compile(r"\r\n|\r|\n")
_PLAIN: Final = {char: re.compile(f"[^{re.escape(char)}\r\n]*") for char in DELIMITERS}
_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_EXCEL_HINT: Final = re.compile(r"sep=(.)(?:\r\n|\r|\n)")


class Record(Struct, frozen=True):
    """The cells of one row; `line` is where it begins, `problem` what its quotes break."""

    line: int
    cells: list[str]
    problem: str | None = None


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of a file and its encoding; raises `ImportUnreadable`."""
    encodings = [encoding for bom, encoding in _BOMS if data.startswith(bom)]
    for encoding in encodings or ["utf-8", "cp1252"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding.removesuffix("-sig")
    raise ImportUnreadable("The file is no text. Save it as CSV in UTF-8.")


def hinted_delimiter(text: str) -> tuple[str | None, str, int]:
    """Return the delimiter of a leading `sep=` line, the text after it, and its first line."""
    match = _EXCEL_HINT.match(text)
    if match and match[1] in DELIMITERS:
        return match[1], text[match.end() :], 2
    return None, text, 1


def records(text: str, delimiter: str, first_line: int = 1) -> Iterator[Record]:
    """Yield the rows of `text` but the blank ones."""
    position, line = 0, first_line
    while position < len(text):
        record, position, newlines = _record(text, position, delimiter, line)
        line += newlines
        if record.cells != [""] or record.problem:
            yield record


def _record(text: str, position: int, delimiter: str, line: int) -> tuple[Record, int, int]:
    cells: list[str] = []
    problem: str | None = None
    newlines = 0
    while True:
        begin = position
        cell, position, complaint = _cell(text, begin, delimiter)
        cells.append(cell)
        problem = problem or complaint
        newlines += len(_NEWLINE.findall(text, begin, position))
        if not text.startswith(delimiter, position):
            break
        position += len(delimiter)
    end = _NEWLINE.match(text, position)
    if end:
        return Record(line, cells, problem), end.end(), newlines + 1
    return Record(line, cells, problem), position, newlines


def _cell(text: str, position: int, delimiter: str) -> tuple[str, int, str | None]:
    plain = _PLAIN[delimiter]
    if not text.startswith('"', position):
        end = _end(plain, text, position)
        return text[position:end], end, None
    quoted = _QUOTED.match(text, position)
    if quoted is None:
        end = _end(_REST_OF_LINE, text, position)
        return text[position:end], end, "a quote begins a cell and is never closed."
    value = quoted[1].replace('""', '"')
    end = _end(plain, text, quoted.end())
    if end == quoted.end():
        return value, end, None
    return value + text[quoted.end() : end], end, "text follows the closing quote of a cell."


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
