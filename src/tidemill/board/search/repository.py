"""The SQL of searches: what each database's index of texts offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidemill.board.filters.compiling import Compiled
from tidemill.board.filters.conditions import Condition, asks_for_archived
from tidemill.board.search.models import (
    Candidate,
    Query,
    candidates_max,
    comments_max,
    trigrams_of,
)
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import SELECT_ITEMS
from tidemill.core.ports import Tx, Value

_title_chars: Final = 100
# Most of what SQLite finds first is neither deleted nor archived, so that these are enough.
_best_max: Final = 1_000
_LAST: Final = "\U0010ffff"
_JOINS: Final = """
    JOIN work_items AS w
        ON w.tenant_id = d.tenant_id AND w.id = d.work_item_id AND w.deleted_at IS NULL
    JOIN projects AS p
        ON p.tenant_id = w.tenant_id AND p.id = w.project_id AND p.deleted_at IS NULL
"""
# A cross join is read in its order: the words are looked for once, and of what has them no more
# than the best are looked at.
_SQLITE_WORDS: Final = """
    SELECT w.id, w.title, w.updated_at
    FROM (
        SELECT rowid, bm25(search_words, 8.0, 1.0) AS score FROM search_words
        WHERE search_words MATCH :query
        ORDER BY score
        LIMIT :best
    ) AS f
    CROSS JOIN search_documents AS d ON d.position = f.rowid {joins}
    WHERE d.tenant_id = :tenant_id AND {condition}
    ORDER BY f.score, w.id
    LIMIT :limit
"""
_SQLITE_COMMENTS: Final = """
    SELECT w.id, w.title, w.updated_at
    FROM (
        SELECT cd.tenant_id, cd.work_item_id, MAX(cd.comment_id) AS comment_id
        FROM (
            SELECT rowid FROM search_comments WHERE search_comments MATCH :query
            ORDER BY rowid DESC
            LIMIT :comments
        ) AS f
        CROSS JOIN comment_documents AS cd ON cd.position = f.rowid
        WHERE cd.tenant_id = :tenant_id
        GROUP BY cd.tenant_id, cd.work_item_id
    ) AS d {joins}
    WHERE d.tenant_id = :tenant_id AND {condition}
    ORDER BY d.comment_id DESC
    LIMIT :limit
"""
_SQLITE_TRIGRAMS: Final = """
    SELECT w.id, w.title, w.updated_at
    FROM (
        SELECT rowid, bm25(search_trigrams) AS score FROM search_trigrams
        WHERE search_trigrams MATCH :query
        ORDER BY score
        LIMIT :best
    ) AS f
    CROSS JOIN search_documents AS d ON d.position = f.rowid {joins}
    WHERE d.tenant_id = :tenant_id AND {condition}
    ORDER BY f.score, w.id
    LIMIT :limit
"""
_POSTGRES_TITLE: Final = """
    SELECT w.id, w.title, w.updated_at
    FROM search_documents AS d {joins}
    WHERE d.tenant_id = :tenant_id AND left(d.title, 100) >= :low
        AND left(d.title, 100) < :high AND {condition}
    ORDER BY left(d.title, 100), w.id
    LIMIT :limit
"""
_POSTGRES_WORDS: Final = """
    SELECT w.id, w.title, w.updated_at
    FROM search_documents AS d {joins}
    WHERE d.tenant_id = :tenant_id AND d.words @@ CAST(:query AS tsquery) AND {condition}
    ORDER BY ts_rank(d.words, CAST(:query AS tsquery)) DESC, w.id
    LIMIT :limit
"""
_POSTGRES_COMMENTS: Final = """
    SELECT w.id, w.title, w.updated_at
    FROM (
        SELECT f.tenant_id, f.work_item_id, MAX(f.comment_id) AS comment_id
        FROM (
            SELECT cd.tenant_id, cd.work_item_id, cd.comment_id FROM comment_documents AS cd
            WHERE cd.tenant_id = :tenant_id AND cd.words @@ CAST(:query AS tsquery)
            ORDER BY cd.comment_id DESC
            LIMIT :comments
        ) AS f
        GROUP BY f.tenant_id, f.work_item_id
    ) AS d {joins}
    WHERE d.tenant_id = :tenant_id AND {condition}
    ORDER BY d.comment_id DESC
    LIMIT :limit
"""
_POSTGRES_TRIGRAMS: Final = """
    SELECT w.id, w.title, w.updated_at
    FROM search_documents AS d {joins}
    WHERE d.tenant_id = :tenant_id
        AND d.trigrams && string_to_array(:query, ' ') AND {condition}
    ORDER BY cardinality(ARRAY(
        SELECT unnest(d.trigrams) INTERSECT SELECT unnest(string_to_array(:query, ' '))
    )) DESC, w.id
    LIMIT :limit
"""


class SearchRepository:
    """Work items that a database offers for a search."""

    def by_words(self, tx: Tx, query: Query, condition: Condition) -> list[Candidate]:
        """Return items whose title begins with the query, and items that hold all its words."""
        if not query.words:
            return []
        if tx.dialect == "sqlite":
            titles = _best(tx, _SQLITE_WORDS, condition, _title_match(query))
            words = _best(tx, _SQLITE_WORDS, condition, _words_match(query))
        else:
            low = " ".join(query.folded)[:_title_chars]
            titles = _candidates(tx, _POSTGRES_TITLE, condition, low=low, high=low + _LAST)
            words = _candidates(tx, _POSTGRES_WORDS, condition, query=_tsquery(query))
        return list({candidate.id: candidate for candidate in titles + words}.values())

    def by_comments(self, tx: Tx, query: Query, condition: Condition) -> list[Candidate]:
        """Return items with a comment that holds all words, that with the newest one first."""
        if not query.words:
            return []
        if tx.dialect == "sqlite":
            sql, match = _SQLITE_COMMENTS, _words_match(query)
        else:
            sql, match = _POSTGRES_COMMENTS, _tsquery(query)
        return _candidates(tx, sql, condition, query=match, comments=comments_max)

    def similar(self, tx: Tx, query: Query, condition: Condition) -> list[Candidate]:
        """Return items whose titles share the most with the query."""
        trigrams = trigrams_of(query.folded)
        if not trigrams:
            return []
        if tx.dialect == "sqlite":
            match = " OR ".join(f'"{trigram}"' for trigram in trigrams)
            return _best(tx, _SQLITE_TRIGRAMS, condition, match)
        return _candidates(tx, _POSTGRES_TRIGRAMS, condition, query=" ".join(trigrams))

    def items(self, tx: Tx, ids: Sequence[str]) -> list[WorkItem]:
        """Return items by their ids, in any order."""
        if not ids:
            return []
        parameters: dict[str, Value] = {f"i{place}": id_ for place, id_ in enumerate(ids)}
        names = ", ".join(f":{name}" for name in parameters)
        sql = (
            SELECT_ITEMS + "WHERE w.tenant_id = :tenant_id AND w.id IN (" + names + ") LIMIT :limit"
        )
        rows = tx.all(sql, limit=len(ids), **parameters)
        return [WorkItem(*row) for row in rows]


def _best(tx: Tx, sql: str, condition: Condition, match: str) -> list[Candidate]:
    """Return candidates of SQLite, among the best that it has or, if need be, among all."""
    found = _candidates(tx, sql, condition, query=match, best=_best_max)
    if len(found) == candidates_max:
        return found
    # Those that may be seen and are asked for can lie anywhere.
    return _candidates(tx, sql, condition, query=match, best=-1)


def _candidates(tx: Tx, sql: str, condition: Condition, **values: Value) -> list[Candidate]:
    compiled = Compiled(condition, tx.dialect)
    wanted = compiled.sql
    if not asks_for_archived(condition):
        wanted = f"w.archived_at IS NULL AND {wanted}"
    rows = tx.all(
        sql.replace("{joins}", _JOINS).replace("{condition}", wanted),
        limit=candidates_max,
        **values,
        **compiled.parameters,
    )
    return [Candidate(*row) for row in rows]


def _title_match(query: Query) -> str:
    return f'title : ^"{" ".join(query.words)}" *'


def _words_match(query: Query) -> str:
    # A single character begins half of all words: alone it is a word itself.
    return " AND ".join(f'"{word}"{" *" if len(word) > 1 else ""}' for word in query.words)


def _tsquery(query: Query) -> str:
    return " & ".join(f"'{word}'{':*' if len(word) > 1 else ''}" for word in query.folded)
