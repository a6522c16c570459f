"""What it costs to know the kinds of a tenant."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tidemill.board.item_kinds.models import USUAL
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.core.ports import Tx

_KIND = ("idea", "Idea", "#000000", None, "[]", 1, 0, 4, 1, 1, "u", 1, "u", None)


class _Store:
    def __init__(self, set_id: str, tenant_id: str = "t1") -> None:
        self.set_id = set_id
        self.tenant_id = tenant_id
        self.asked: list[str] = []

    def one(self, sql: str, **_: Any) -> tuple[str]:
        self.asked.append(sql)
        return (self.set_id,)

    def all(self, sql: str, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(sql)
        return [_KIND]


def test_of_asks_nothing_for_the_usual_kinds_and_once_for_others() -> None:
    kinds, store = ItemKinds(), _Store("set-1")
    tx = cast("Tx", store)

    assert kinds.of(tx, None) is USUAL
    kinds.check_known(tx, "bug")
    assert store.asked == []
    assert kinds.of(tx, "set-1").offered == ("epic", "story", "task", "bug", "idea")
    asked = len(store.asked)
    assert kinds.of(tx, "set-1").offered[-1] == "idea"
    assert len(store.asked) == asked


@pytest.mark.parametrize("current", ["set-2", "set-3"])
def test_of_keeps_nothing_that_changed_while_it_was_read(current: str) -> None:
    kinds, store = ItemKinds(), _Store(current)
    tx = cast("Tx", store)

    kinds.of(tx, "set-1")
    asked = len(store.asked)
    kinds.of(tx, "set-1")

    assert len(store.asked) == 2 * asked


def test_of_gives_no_tenant_the_kinds_that_another_has_under_the_same_id() -> None:
    kinds, store, other = ItemKinds(), _Store("set-1"), _Store("set-1", "t2")

    kinds.of(cast("Tx", store), "set-1")
    kinds.of(cast("Tx", other), "set-1")

    assert other.asked == store.asked != []
