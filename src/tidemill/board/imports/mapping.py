"""A file of any tool as drafts of work items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tidemill.board.errors import ImportTooLarge, ImportUnreadable, shown
from tidemill.board.imports.columns import columns_of, fields, is_field, repeated_of, told
from tidemill.board.imports.models import (
    Backlog,
    Draft,
    ImportMapping,
    Reading,
    SourceFormat,
)
from tidemill.board.imports.rows import RowReader, Words
from tidemill.board.imports.sources.contract import Row, Table
from tidemill.board.imports.sources.documents import FORMS, is_json, read_document
from tidemill.board.imports.sources.tables import read_table
from tidemill.board.imports.words import plain, priorities_of, statuses_of, types_of
from tidemill.board.item_kinds.models import USUAL, Kinds
from tidemill.board.limits import BoardLimits
from tidemill.board.work_items.models import Priority
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Workflow

comments_max: Final = 20_000
links_max: Final = 40_000
"""Ends of dependencies; each is written by itself, while others wait for the project."""
_CSV: Final = Reading()
_WITH_CSV: Final = frozenset(
    {SourceFormat.CSV, SourceFormat.JIRA, SourceFormat.PLANE, SourceFormat.REDMINE}
)


def read_backlog(
    data: bytes,
    limits: BoardLimits,
    workflow: Workflow = DEFAULT_WORKFLOW,
    reading: Reading = _CSV,
    kinds: Kinds = USUAL,
) -> Backlog:
    """Return the drafts of a file for a project with a workflow, of a tenant with some kinds.

    Raises `ImportUnreadable` when the file is not of the format, has no titles, or the mapping
    names what is not there; `ImportTooLarge` when it is over the limits. What is wrong with single
    rows is in the drafts.
    """
    if len(data) > limits.import_bytes_max:
        raise ImportTooLarge(
            f"The file has {len(data)} bytes; {limits.import_bytes_max} are the limit. Split it."
        )
    words = _words(reading, workflow, kinds)
    table = _table(data, reading, limits)
    repeated, wanted = repeated_of(reading.format), reading.mapping.columns
    columns = columns_of(table.header, table.names, repeated, wanted)
    if table.header and all(column.field != "title" for column in columns):
        raise ImportUnreadable(
            f"No column holds titles. The columns are: {shown(', '.join(table.header), 200)}. "
            f"Name one of them title or summary."
        )
    reader = RowReader(columns, words, limits, reading.prefix)
    drafts: list[Draft] = []
    comments = links = 0
    are_filled = [table.delimiter is not None] * len(columns)
    for row in table.rows:
        draft = reader.draft(row)
        drafts.append(draft)
        _mark(are_filled, row)
        comments += len(draft.comments)
        links += len(draft.links)
        if comments > comments_max or links > links_max:
            raise ImportTooLarge(
                f"The file has more than {comments_max} comments, or more than {links_max} links. "
                "Split it."
            )
        if len(drafts) > limits.import_rows_max:
            raise ImportTooLarge(f"The file has more than {limits.import_rows_max} rows. Split it.")
    return Backlog(
        encoding=table.encoding,
        delimiter=table.delimiter,
        columns=columns if table.delimiter else told(columns, are_filled),
        drafts=tuple(drafts),
        prefix=reading.prefix,
        left_out=table.left_out,
    )


def _table(data: bytes, reading: Reading, limits: BoardLimits) -> Table:
    if reading.format in FORMS and (reading.format not in _WITH_CSV or is_json(data)):
        return read_document(data, reading.format, limits.import_rows_max)
    return read_table(data, reading)


def _words(reading: Reading, workflow: Workflow, kinds: Kinds) -> Words:
    """Return what the words of a file mean; raises `ImportUnreadable`."""
    mapping = reading.mapping
    _check_columns(mapping)
    return Words(
        types=types_of(reading.format, kinds) | _said("types", mapping.types, kinds.offered),
        statuses=statuses_of(workflow)
        | _said("statuses", mapping.statuses, tuple(workflow.categories)),
        priorities=priorities_of(reading.format)
        | _said("priorities", mapping.priorities, tuple(Priority)),
        people={name.strip().casefold(): person for name, person in mapping.people.items()},
        initial=workflow.initial,
    )


def _check_columns(mapping: ImportMapping) -> None:
    for name, field in mapping.columns.items():
        if field is not None and not is_field(field):
            raise ImportUnreadable(
                f'The column "{shown(name)}" cannot fill "{shown(field)}". '
                f"A column fills one of: {', '.join(fields())}.",
                param="mapping.columns",
            )


def _said(name: str, words: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    for word, meaning in words.items():
        if meaning not in known:
            raise ImportUnreadable(
                f'"{shown(word)}" cannot become "{shown(meaning)}". '
                f"It becomes one of: {', '.join(known)}.",
                param=f"mapping.{name}",
            )
    return {plain(word): str(meaning) for word, meaning in words.items()}


def _mark(are_filled: list[bool], row: Row) -> None:
    for place, cell in enumerate(row.cells[: len(are_filled)]):
        if cell:
            are_filled[place] = True
