from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tidemill.audit.chain.models import (
    Break,
    Checker,
    Entry,
    Erasure,
    Head,
    Line,
    digest_of,
    erasure,
    key_of,
    linked,
    next_line,
)
from tidemill.core.actor import AuditActor
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId

KEY = b"k" * 32


def _chain(length: int) -> list[Line]:
    lines: list[Line] = []
    head = Head()
    for number in range(length):
        entry = Entry(
            id=f"e{number}",
            at=Instant(1_000 + number),
            action="board.projects.create",
            actor=AuditActor(kind="user", id="u1"),
            resource=f"project:{number}",
        )
        line = next_line(KEY, head, entry)
        lines.append(line)
        head = Head(seq=line.seq, hash=line.hash)
    return lines


def _problems(
    lines: list[Line], stored: Head | None = None, witnessed: Head | None = None
) -> list[tuple[int, Break]]:
    checker = Checker(KEY)
    for line in lines:
        checker.check(line)
        checker.witness(line, witnessed)
    checker.finish(stored or checker.head, witnessed)
    return [(problem.seq, problem.kind) for problem in checker.problems]


def _head(lines: list[Line]) -> Head:
    return Head(seq=lines[-1].seq, hash=lines[-1].hash)


def test_check_accepts_an_untouched_chain() -> None:
    assert _problems(_chain(5)) == []


@given(at=st.integers(0, 4))
def test_check_finds_a_changed_body(at: int) -> None:
    lines = _chain(5)
    body = (lines[at].body or "").replace("create", "delete")
    lines[at] = structs.replace(lines[at], body=body)

    assert _problems(lines) == [(at + 1, Break.CHANGED)]


def test_check_finds_a_body_whose_digest_was_made_to_match() -> None:
    lines = _chain(3)
    body = (lines[1].body or "").replace("project:1", "project:9")
    lines[1] = structs.replace(lines[1], body=body, resource="project:9", digest=digest_of(body))

    assert _problems(lines) == [(2, Break.CHANGED)]


@pytest.mark.parametrize("body", ["no JSON", "{}", "[]"])
def test_check_finds_a_body_that_is_no_entry_at_all(body: str) -> None:
    lines = _chain(3)
    lines[1] = structs.replace(lines[1], body=body, digest=digest_of(body))

    assert _problems(lines) == [(2, Break.CHANGED)]


def test_check_finds_a_changed_column_beside_an_unchanged_body() -> None:
    lines = _chain(3)
    lines[1] = structs.replace(lines[1], actor_id="somebody-else")

    assert _problems(lines) == [(2, Break.CHANGED)]


@given(at=st.integers(1, 3))
def test_check_finds_a_removed_line(at: int) -> None:
    lines = _chain(5)
    del lines[at]

    assert (at + 1, Break.REMOVED) in _problems(lines)


def test_check_finds_a_removed_first_line() -> None:
    assert (1, Break.REMOVED) in _problems(_chain(3)[1:])


def test_check_finds_a_cut_tail_by_the_stored_head() -> None:
    lines = _chain(5)

    assert _problems(lines[:3], stored=_head(lines)) == [(4, Break.CUT)]


def test_check_finds_a_cut_tail_by_the_witness_when_the_head_was_set_back_too() -> None:
    lines = _chain(5)

    assert _problems(lines[:3], stored=_head(lines[:3]), witnessed=_head(lines)) == [(4, Break.CUT)]


def test_check_finds_a_chain_written_anew_with_the_key() -> None:
    witnessed = _head(_chain(3))
    lines = _chain(3)
    digest = digest_of("{}")
    forged = structs.replace(
        _emptied(lines[2]), digest=digest, hash=linked(KEY, lines[1].hash, 3, digest)
    )

    assert (3, Break.CHANGED) in _problems([*lines[:2], forged], witnessed=witnessed)


def _emptied(line: Line) -> Line:
    return structs.replace(line, body=None, action="", actor_id="", resource="")


def _with_erasure(lines: list[Line], through_seq: int) -> list[Line]:
    entry = erasure("erasure", Instant(9_000), TenantId("t"), Erasure(through_seq=through_seq))
    return [*lines, next_line(KEY, _head(lines), entry)]


def test_check_accepts_lines_whose_bodies_retention_erased() -> None:
    lines = _with_erasure(_chain(4), 3)
    lines[:3] = [_emptied(line) for line in lines[:3]]

    assert _problems(lines) == []


def test_check_finds_a_body_that_retention_did_not_erase() -> None:
    lines = _with_erasure(_chain(4), 2)
    lines[:3] = [_emptied(line) for line in lines[:3]]

    assert _problems(lines) == [(3, Break.ERASED)]


def test_check_finds_columns_put_back_into_an_erased_line() -> None:
    lines = _with_erasure(_chain(4), 3)
    lines[:3] = [_emptied(line) for line in lines[:3]]
    lines[1] = structs.replace(lines[1], actor_id="somebody-else")

    assert _problems(lines) == [(2, Break.CHANGED)]


def test_key_of_differs_by_tenant() -> None:
    assert key_of(KEY, TenantId("a")) != key_of(KEY, TenantId("b"))
