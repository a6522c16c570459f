"""CSV of any tool as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidemill.board.errors import ImportTooLarge, ImportUnreadable
from tidemill.board.imports.columns import Names, columns_max, columns_of, names_of
from tidemill.board.imports.models import Reading
from tidemill.board.imports.parsing import (
    DELIMITERS,
    Record,
    decode,
    hinted_delimiter,
    records,
)
from tidemill.board.imports.sources.contract import Row, Table


def read_table(data: bytes, reading: Reading) -> Table:
    """Return the rows of a CSV file; raises `ImportUnreadable` and `ImportTooLarge`."""
    decoded, encoding = decode(data)
    hint, text, first_line = hinted_delimiter(decoded)
    names = names_of(reading.format)
    delimiter = hint or max(DELIMITERS, key=lambda char: _fitness(text, char, names))
    rows = records(text, delimiter, first_line)
    header = next(rows, None)
    if header is None:
        raise ImportUnreadable("The file is empty. Its first line names the columns.")
    if len(header.cells) > columns_max:
        raise ImportTooLarge(f"The file has more than {columns_max} columns.")
    return Table(
        encoding=encoding,
        delimiter=delimiter,
        header=header.cells,
        names=names,
        rows=_rows(rows),
    )


def _rows(rows: Iterator[Record]) -> Iterator[Row]:
    for row in rows:
        if any(cell.strip() for cell in row.cells):
            yield Row(line=row.line, cells=row.cells, problem=row.problem)


def _fitness(text: str, delimiter: str, names: Names) -> tuple[int, int]:
    header: Sequence[str] = next(records(text, delimiter), Record(1, [])).cells
    if len(header) > columns_max:
        # Which of them have names known here need not be told apart.
        return 0, len(header)
    used = sum(column.field is not None for column in columns_of(header, names))
    return used, len(header)
