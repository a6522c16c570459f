from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.sql import parse_sql

DECLARED = "-- $1 a (int)\n-- $2 b (text) = 'it''s'\n-- $3 c (json) = null\n"


def test_parse_sql_gives_a_schema_of_its_declarations() -> None:
    schema = parse_sql(f"{DECLARED}SELECT $1, $2, $3").schema

    assert schema["properties"]["a"] == {"type": "integer"}
    assert schema["properties"]["b"] == {"type": "string", "default": "it's"}
    assert schema["properties"]["c"] == {"default": None}
    assert schema["required"] == ["database", "a"]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1;;\nSELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';' ; SELECT $$ ; $$", ["SELECT ';'", "SELECT $$ ; $$"]),
        ("SELECT $body$ a; $$ $body$; SELECT 2", ["SELECT $body$ a; $$ $body$", "SELECT 2"]),
        ("SELECT 'a''; b'; SELECT 2", ["SELECT 'a''; b'", "SELECT 2"]),
        (r"SELECT E'a\'; b'; SELECT 2", [r"SELECT E'a\'; b'", "SELECT 2"]),
        ('SELECT "a;b"; SELECT 2', ['SELECT "a;b"', "SELECT 2"]),
        ("SELECT 1 -- ; not here\n; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1 /* ; /* ; */ ; */; SELECT 2", ["SELECT 1", "SELECT 2"]),
    ],
)
def test_parse_sql_splits_where_statements_end(text: str, statements: list[str]) -> None:
    assert [one.text for one in parse_sql(text).statements] == statements


def test_parse_sql_counts_places_for_each_statement() -> None:
    script = parse_sql(f"{DECLARED}INSERT INTO t VALUES ($2, '$1', $2); SELECT $3, $1, $3")

    first, second = script.statements
    assert (first.text, first.names) == ("INSERT INTO t VALUES ($1, '$1', $1)", ("b",))
    assert (second.text, second.names) == ("SELECT $1, $2, $1", ("c", "a"))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("-- $1 a (int)\n-- $1 b (int)\nSELECT 1", 2, "declared twice"),
        ("-- $1 a (int)\n-- $2 a (int)\nSELECT 1", 2, "Two parameters"),
        ("-- $1 a (colour)\nSELECT $1", 1, "no type"),
        ("SELECT 1;\nSELECT $4", 2, "$4 is not declared"),
        ("SELECT 1;\n\n  ROLLBACK", 3, "one transaction"),
        ("SELECT 1 /* no end", 1, "no end"),
        ("-- only words", 1, "needs a statement"),
    ],
)
def test_parse_sql_says_where_it_is_wrong(text: str, line: int, message: str) -> None:
    with pytest.raises(ScriptInvalid) as raised:
        parse_sql(text)

    assert raised.value.line == line
    assert message in str(raised.value)


@given(st.text(alphabet="'\"$a1;-/*\\ \nE", max_size=60))
def test_parse_sql_keeps_every_text_whole(text: str) -> None:
    """Whatever stands in a literal, it ends where it ended, and no place is found in it."""
    quoted = "'" + text.replace("\\", "").replace("'", "''") + "'"

    script = parse_sql(f"-- $1 a (int)\nSELECT {quoted} AS x; SELECT $1")

    assert [one.names for one in script.statements] == [(), ("a",)]
    assert quoted in script.statements[0].text
