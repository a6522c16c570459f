"""The SQL that an import needs beside that of items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from tidemill.board.contract import ProjectId
from tidemill.board.imports.planning import Known
from tidemill.board.project_access.repository import SEES
from tidemill.board.work_items.models import Assignee
from tidemill.core.ports import Tx

_chunk_rows: Final = 100
_members_max: Final = 10_000
# One text for every chunk, so that it is prepared once: short chunks repeat their last value.
_PLACES: Final = ", ".join(f":value_{place}" for place in range(_chunk_rows))
_SELECT: Final = """
    SELECT id, number, item_type, external_id, deleted_at, archived_at FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_BY_EXTERNAL_IDS: Final = f"{_SELECT} AND external_id IN ({_PLACES})"
_BY_NUMBERS: Final = f"{_SELECT} AND number IN ({_PLACES})"
_BY_FORMER_NUMBERS: Final = f"""
    SELECT q.key, f.number, w.id, w.number, w.item_type, w.external_id, w.deleted_at, w.archived_at
    FROM former_keys AS f
    JOIN projects AS q ON q.tenant_id = f.tenant_id AND q.id = f.project_id
    JOIN work_items AS w ON w.tenant_id = f.tenant_id AND w.id = f.work_item_id
    WHERE f.tenant_id = :tenant_id AND f.number IN ({_PLACES}) AND w.project_id = :project_id
"""  # noqa: S608 - names of parameters
_AMONG: Final = {
    "sqlite": "(SELECT value FROM json_each(:titles))",
    "postgres": "(SELECT json_array_elements_text(CAST(:titles AS json)))",
}
_TITLED: Final = """
    SELECT count(DISTINCT title) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL AND title IN
"""
_MEMBERS: Final = f"""
    SELECT p.user_id, p.name, p.avatar FROM people AS p
    WHERE p.tenant_id = :tenant_id AND p.state = 'active'
        AND {SEES.format(project_id=":project_id")}
    ORDER BY p.user_id
    LIMIT :limit
"""  # noqa: S608 - a constant


class ImportRepository:
    """What rows of a file may refer to."""

    def by_external_ids(
        self, tx: Tx, project: tuple[ProjectId, str], external_ids: Iterable[str]
    ) -> dict[str, Known]:
        """Return the project's items that came from these rows, deleted ones too."""
        found = self._known(tx, _BY_EXTERNAL_IDS, project, external_ids)
        return {known.external_id: known for known in found if known.external_id is not None}

    def by_numbers(
        self, tx: Tx, project: tuple[ProjectId, str], numbers: Iterable[int]
    ) -> dict[str, Known]:
        """Return the project's items with these numbers by key, deleted ones too."""
        return {known.key: known for known in self._known(tx, _BY_NUMBERS, project, numbers)}

    def by_former_keys(
        self, tx: Tx, project: tuple[ProjectId, str], keys: Iterable[tuple[str, int]]
    ) -> dict[str, Known]:
        """Return the project's items that had these keys, deleted ones too."""
        project_id, project_key = project
        wanted = set(keys)
        found: dict[str, Known] = {}
        for chunk in _chunks(sorted({number for _, number in wanted})):
            rows = tx.all(_BY_FORMER_NUMBERS, project_id=project_id, **_places(chunk))
            for key, former, *row in rows:
                if (key, former) in wanted:
                    found[f"{key}-{former}"] = _known(project_key, row)
        return found

    def count_titles(self, tx: Tx, project_id: ProjectId, titles: Iterable[str]) -> int:
        """Return how many of these titles items of the project have that are not deleted."""
        wanted = json.dumps(sorted(set(titles)), ensure_ascii=False)
        sql = _TITLED + _AMONG[tx.dialect]
        return int(tx.all(sql, project_id=project_id, titles=wanted)[0][0])

    def members(self, tx: Tx, project_id: ProjectId) -> list[Assignee]:
        """Return the active members who may see the project."""
        rows = tx.all(_MEMBERS, project_id=project_id, limit=_members_max)
        return [Assignee(*row) for row in rows]

    def _known(
        self, tx: Tx, sql: str, project: tuple[ProjectId, str], values: Iterable[str | int]
    ) -> Iterator[Known]:
        project_id, project_key = project
        for chunk in _chunks(values):
            for row in tx.all(sql, project_id=project_id, **_places(chunk)):
                yield _known(project_key, row)


def _known(project_key: str, row: Sequence[Any]) -> Known:
    id_, number, item_type, external_id, deleted_at, archived_at = row
    return Known(
        id_,
        f"{project_key}-{number}",
        item_type,
        external_id,
        is_deleted=deleted_at is not None,
        is_archived=archived_at is not None,
    )


def _places(chunk: Sequence[str | int]) -> dict[str, str | int]:
    padded = [*chunk, *([chunk[-1]] * (_chunk_rows - len(chunk)))]
    return {f"value_{place}": value for place, value in enumerate(padded)}


def _chunks(values: Iterable[str | int]) -> Iterator[Sequence[str | int]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, _chunk_rows)):
        yield chunk
