"""JSON of any tool as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from tidemill.board.errors import ImportTooLarge, ImportUnreadable
from tidemill.board.imports.columns import columns_max
from tidemill.board.imports.models import SourceFormat
from tidemill.board.imports.parsing import decode
from tidemill.board.imports.sources import github, jira, plane, redmine, tidemill, trello, vikunja
from tidemill.board.imports.sources.contract import Entry, Row, Table

FORMS: Final = {
    SourceFormat.JIRA: jira.FORM,
    SourceFormat.GITHUB: github.FORM,
    SourceFormat.TRELLO: trello.FORM,
    SourceFormat.PLANE: plane.FORM,
    SourceFormat.REDMINE: redmine.FORM,
    SourceFormat.VIKUNJA: vikunja.FORM,
    SourceFormat.TIDEMILL: tidemill.FORM,
}
_ARCHIVE: Final = b"PK\x03\x04"


def is_json(data: bytes) -> bool:
    """Return whether a file begins as JSON does."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def read_document(data: bytes, format_: SourceFormat, rows_max: int) -> Table:
    """Return the rows of a document; raises `ImportUnreadable` and `ImportTooLarge`."""
    form = FORMS[format_]
    document, encoding = _decoded(data)
    kept: list[Entry] = []
    left_out: Counter[str] = Counter()
    header: dict[str, None] = {}
    for entry in form.entries(document):
        if entry.left_out is not None:
            left_out[entry.left_out] += 1
            continue
        kept.append(entry)
        header |= dict.fromkeys(entry.cells)
        if len(kept) > rows_max:
            raise ImportTooLarge(f"The file has more than {rows_max} entries. Split it.")
        if len(header) > columns_max:
            raise ImportTooLarge(f"The entries have values of more than {columns_max} names.")
    return Table(
        encoding=encoding,
        delimiter=None,
        header=tuple(header),
        names=form.names,
        rows=_rows(kept, tuple(header)),
        left_out=tuple(f"{count} {what}" for what, count in left_out.items()),
    )


def _rows(entries: Sequence[Entry], header: Sequence[str]) -> Iterator[Row]:
    for number, entry in enumerate(entries, 1):
        yield Row(
            line=number,
            path=entry.path,
            cells=[entry.cells.get(name, "") for name in header],
            labels=entry.labels,
            comments=entry.comments,
            links=entry.links,
        )


def _decoded(data: bytes) -> tuple[Any, str]:
    if data.startswith(_ARCHIVE):
        raise ImportUnreadable("This is an archive. Send a file that it holds.")
    text, encoding = decode(data)
    if encoding == "cp1252":
        raise ImportUnreadable("The file is no JSON in UTF-8.")
    try:
        return msgspec.json.decode(text), encoding
    except RecursionError as error:
        raise ImportUnreadable("The values of the file stand too deep in each other.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise ImportUnreadable(f"The file is no JSON: {error}.") from error
