"""Writes conditions as SQL with bound parameters, for both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tidemill.board.blocking.waiting import IS_BLOCKED
from tidemill.board.filters.conditions import (
    AllOf,
    AnyOf,
    Bears,
    Condition,
    InField,
    Matches,
    Missing,
    Negated,
    OneOf,
    Within,
)
from tidemill.board.filters.words import folded
from tidemill.core.ports import Value

COLUMNS: Final = {
    "id": "w.id",
    "project_id": "w.project_id",
    "number": "w.number",
    "item_type": "w.item_type",
    "status": "w.status",
    "status_category": "w.status_category",
    "priority": "w.priority",
    "parent_id": "w.parent_id",
    "assignee_id": "w.assignee_id",
    "created_by": "w.created_by",
    "created_at": "w.created_at",
    "updated_at": "w.updated_at",
    "external_id": "w.external_id",
    "rank": "w.rank",
    "points": "w.points",
    "start_date": "w.start_date",
    "due_date": "w.due_date",
    "sprint_id": "w.sprint_id",
    "archived_at": "w.archived_at",
    # Any label that is not deleted; the ids of deleted ones stay with their items. SQLite joins in
    # the order that a cross join says.
    "labels": """CASE WHEN w.label_ids <> '' THEN (
        SELECT l.id FROM item_labels AS il CROSS JOIN labels AS l
        WHERE il.tenant_id = :tenant_id AND il.work_item_id = w.id
            AND l.tenant_id = il.tenant_id AND l.id = il.label_id AND l.deleted_at IS NULL
        LIMIT 1) END""",
    "due_order": "COALESCE(w.due_date, '~')",
    "points_order": "COALESCE(w.points, 1000000)",
    "blocked": f"CASE WHEN {IS_BLOCKED} THEN 'yes' ELSE 'no' END",
    "urgency": (
        "CASE w.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END"
    ),
}
_NULLABLE: Final = frozenset({
    "parent_id", "assignee_id", "external_id", "points", "start_date", "due_date", "sprint_id",
    "archived_at",
})  # fmt: skip
# A cross join is read in its order: asked for each document instead, an index of texts would look
# for the words anew each time.
_TEXTS: Final = {
    "sqlite": """w.id IN (
        SELECT d.work_item_id FROM search_words AS f
        CROSS JOIN search_documents AS d ON d.position = f.rowid
        WHERE f.search_words MATCH :{name} AND d.tenant_id = :tenant_id)""",
    "postgres": """w.id IN (
        SELECT d.work_item_id FROM search_documents AS d
        WHERE d.tenant_id = :tenant_id AND d.words @@ CAST(:{name} AS tsquery))""",
}
_COMMENTS: Final = {
    "sqlite": """w.id IN (
        SELECT cd.work_item_id FROM search_comments AS f
        CROSS JOIN comment_documents AS cd ON cd.position = f.rowid
        WHERE f.search_comments MATCH :{name} AND cd.tenant_id = :tenant_id)""",
    "postgres": """w.id IN (
        SELECT cd.work_item_id FROM comment_documents AS cd
        WHERE cd.tenant_id = :tenant_id AND cd.words @@ CAST(:{name} AS tsquery))""",
}
_BEARERS: Final = """w.id IN (
        SELECT il.work_item_id FROM item_labels AS il
        WHERE il.tenant_id = :tenant_id AND il.label_id IN ({}))"""

_HOLDERS: Final = """w.id IN (
        SELECT v.work_item_id FROM custom_field_values AS v
        WHERE v.tenant_id = :tenant_id AND {})"""
# A statement has room for so many parameters, and each number of them is another statement.
_bound_one_by_one_max: Final = 64
_VALUES: Final = {
    "sqlite": "(SELECT value FROM json_each({}))",
    "postgres": "(SELECT json_array_elements_text(CAST({} AS json)))",
}


class Compiled:
    """A condition as SQL; its parameters are named `f1`, `f2` and so on."""

    def __init__(self, condition: Condition, dialect: str) -> None:
        self.parameters: dict[str, Value] = {}
        self._dialect = dialect
        self.sql = self._sql(condition)

    def _sql(self, condition: Condition) -> str:  # noqa: PLR0911 - one for each kind
        match condition:
            case AllOf():
                return self._joined(condition.conditions, " AND ", "1 = 1")
            case AnyOf():
                return self._joined(condition.conditions, " OR ", "1 = 0")
            case Negated():
                return f"NOT {self._sql(condition.condition)}"
            case Bears():
                return self._bears(condition)
            case InField():
                return self._in_field(condition)
            case Missing():
                return f"({COLUMNS[condition.column]} IS NULL)"
            case OneOf():
                return self._one_of(condition)
            case Within():
                return self._within(condition)
            case Matches():
                return self._matches(condition)

    def among(self, values: Sequence[Value]) -> str:
        """Return what follows IN to look for `values`, which it puts among the parameters."""
        if len(values) <= _bound_one_by_one_max:
            return f"({', '.join(map(self._bind, values))})"
        # Ids, such as those of the active sprints of all projects.
        listed = self._bind(msgspec.json.encode(list(map(str, values))).decode())
        return _VALUES[self._dialect].format(listed)

    def _joined(self, conditions: tuple[Condition, ...], word: str, empty: str) -> str:
        return f"({word.join(map(self._sql, conditions)) or empty})"

    def _one_of(self, condition: OneOf) -> str:
        column = COLUMNS[condition.column]
        if not condition.values:
            return "(1 = 0)"
        if len(condition.values) == 1:
            test = f"{column} = {self._bind(condition.values[0])}"
        else:
            test = f"{column} IN {self.among(condition.values)}"
        # Neither true nor false would stay so when it is negated.
        if condition.column in _NULLABLE:
            return f"({column} IS NOT NULL AND {test})"
        return f"({test})"

    def _within(self, condition: Within) -> str:
        column = COLUMNS[condition.column]
        tests = [f"{column} IS NOT NULL"] if condition.column in _NULLABLE else []
        if condition.low is not None:
            tests.append(f"{column} >= {self._bind(condition.low)}")
        if condition.high is not None:
            tests.append(f"{column} < {self._bind(condition.high)}")
        return f"({' AND '.join(tests) or '1 = 1'})"

    def _bears(self, condition: Bears) -> str:
        label_ids = ", ".join(map(self._bind, condition.label_ids))
        return f"({_BEARERS.format(label_ids)})" if label_ids else "(1 = 0)"

    def _in_field(self, condition: InField) -> str:
        tests = [f"v.field_id IN {self.among(condition.field_ids)}"]
        ends = (condition.low, condition.high)
        said = next((one for one in (*(condition.values or ()), *ends) if one is not None), "")
        column = "v.number_value" if isinstance(said, int) else "v.text_value"
        if condition.values is not None:
            tests.append(f"{column} IN ({', '.join(map(self._bind, condition.values))})")
        if condition.low is not None:
            tests.append(f"{column} >= {self._bind(condition.low)}")
        if condition.high is not None:
            tests.append(f"{column} < {self._bind(condition.high)}")
        return f"({_HOLDERS.format(' AND '.join(tests))})"

    def _matches(self, condition: Matches) -> str:
        query = MATCHES[self._dialect](condition)
        texts = _COMMENTS if condition.column == "comments" else _TEXTS
        return f"({texts[self._dialect].format(name=self._bind(query)[1:])})"

    def _bind(self, value: Value) -> str:
        name = f"f{len(self.parameters) + 1}"
        self.parameters[name] = value
        return f":{name}"


def fts5_query(condition: Matches) -> str:
    """Return what FTS5 shall match; words hold letters and digits alone, and stand in quotes."""
    phrase = f'"{" ".join(condition.words)}"{" *" if condition.is_prefix else ""}'
    match condition.column:
        case "comments":
            return phrase
        case "title":
            return f"{{title}} : {phrase}"
        case _:
            return f"{{title description}} : {phrase}"


def tsquery(condition: Matches) -> str:
    """Return the tsquery; its words are those of the column `words`, quoted."""
    # The words of comments are a vector of their own, all of one label.
    label = "AB" if condition.column == "text" else "A"
    *first, last = (f"'{folded(word)}':" for word in condition.words)
    end = f"{last}*{label}" if condition.is_prefix else f"{last}{label}"
    return " <-> ".join([*(f"{word}{label}" for word in first), end])


MATCHES: Final = {"sqlite": fts5_query, "postgres": tsquery}
