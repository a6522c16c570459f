"""The crash tests know every crash point that the code has."""

from __future__ import annotations

import ast
from typing import Final

from tests.architecture.sources import SRC, python_files, relative, tree_of
from tests.chaos.points import CRASH_POINTS

HOOK: Final = SRC / "core" / "crash.py"


def _calls() -> list[tuple[str, ast.Call]]:
    return [
        (f"{relative(file)}:{node.lineno}", node)
        for file in python_files("src")
        if file != HOOK
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "crash_point"
    ]


def _name(call: ast.Call) -> str | None:
    match call.args:
        case [ast.Constant(value=str(name))]:
            return name
        case _:
            return None


def test_crash_points_are_named_by_a_literal() -> None:
    assert [place for place, call in _calls() if _name(call) is None] == []


def test_list_of_crash_points_is_complete() -> None:
    assert {_name(call) for _, call in _calls()} == set(CRASH_POINTS)
