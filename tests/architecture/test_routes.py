"""Every route is declared by `tidemill.http`, which makes it name its permission."""

from __future__ import annotations

import ast
from typing import Final

from tests.architecture.sources import SRC, python_files, relative, tree_of

DECORATORS: Final = frozenset({"delete", "get", "head", "patch", "post", "put", "route"})
# A socket has no method and no status; the hub authenticates each by hand.
SOCKETS: Final = frozenset({"asgi", "websocket", "websocket_listener", "websocket_stream"})
SOCKETS_IN: Final = ("events/live", "api")


def test_litestar_decorators_are_used_by_the_http_kit_alone() -> None:
    taken = [
        f"{relative(file)}:{line} {name}"
        for file in python_files("src")
        for line, name in _from_litestar(tree_of(file))
        if _is_forbidden(name, file.relative_to(SRC).as_posix())
    ]

    assert taken == [], "import the decorators of tidemill.http instead"


def _is_forbidden(name: str, inside: str) -> bool:
    if inside.startswith("http/"):
        return False
    return name in DECORATORS or (name in SOCKETS and not inside.startswith(SOCKETS_IN))


def _from_litestar(tree: ast.Module) -> list[tuple[int, str]]:
    found = [
        (node.lineno, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("litestar")
        for alias in node.names
    ]
    found += [
        (node.lineno, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "litestar"
    ]
    return found
