from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.infrastructure.database.sql import StatementRefused, parse, parse_scoped, placed


@pytest.mark.parametrize(
    ("sql", "translated", "order"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT ':a' , :b", "SELECT ':a' , $1", ("b",)),
        ("SELECT 'it''s :a', :b", "SELECT 'it''s :a', $1", ("b",)),
        ('SELECT ":a" FROM t WHERE x = :b', 'SELECT ":a" FROM t WHERE x = $1', ("b",)),
        ("SELECT :a::text", "SELECT $1::text", ("a",)),
        ("SELECT x::text", "SELECT x::text", ()),
        ("SELECT 1 -- :a\n, :b", "SELECT 1 -- :a\n, $1", ("b",)),
        ("SELECT 1 /* :a */ , :b", "SELECT 1 /* :a */ , $1", ("b",)),
        ("SELECT $$ :a $$, :b", "SELECT $$ :a $$, $1", ("b",)),
        ("SELECT $x$ :a $x$, :b", "SELECT $x$ :a $x$, $1", ("b",)),
        ("SELECT :ab, :a", "SELECT $1, $2", ("ab", "a")),
        ("SELECT x[1:2], :a", "SELECT x[1:2], $1", ("a",)),
    ],
)
def test_parse_numbers_parameters(sql: str, translated: str, order: tuple[str, ...]) -> None:
    statement = parse(sql)

    assert (statement.postgres, statement.order) == (translated, order)


@given(st.lists(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=12))
def test_parse_keeps_every_name_in_the_order_of_its_first_use(names: list[str]) -> None:
    statement = parse("SELECT " + ", ".join(f":{name}" for name in names))

    assert statement.order == tuple(dict.fromkeys(names))


@pytest.mark.parametrize(
    "sql", ["BEGIN", "commit", " ROLLBACK", "SAVEPOINT x", "PRAGMA x", "SET x = 1", "DO $$$$", ""]
)
def test_parse_refuses_what_is_no_data_statement(sql: str) -> None:
    with pytest.raises(StatementRefused):
        parse(sql)


def test_parse_scoped_refuses_a_statement_without_the_tenant() -> None:
    with pytest.raises(StatementRefused, match=":tenant_id"):
        parse_scoped("SELECT name FROM lamps WHERE tenant = ':tenant_id'")


def test_parse_scoped_accepts_a_statement_with_the_tenant() -> None:
    assert parse_scoped("SELECT 1 WHERE x = :tenant_id").scoped


def test_placed_numbers_names_by_their_place_and_tells_what_comes_last() -> None:
    sql = "INSERT INTO t VALUES (:tenant_id, :b, ':a', :a, :now)"

    assert placed(sql, ("a", "b")) == (
        "INSERT INTO t VALUES (?3, ?2, ':a', ?1, ?4)",
        ("tenant_id", "now"),
    )
