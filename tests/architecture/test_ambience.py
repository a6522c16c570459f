"""Below `runtime`, time, ids, chance and the environment come in as arguments."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import SRC, python_files, relative, tree_of

# Whole calls or attributes, by the name under which they are reached.
AMBIENT: Final = {
    "datetime.now": "take `now`, or the Clock",
    "datetime.utcnow": "take `now`, or the Clock",
    "datetime.today": "take `now`, or the Clock",
    "date.today": "take `now`, or the Clock",
    "time.time": "take `now`, or the Clock",
    "time.time_ns": "take `now`, or the Clock",
    "uuid4": "ask tx.new_id()",
    "uuid7": "ask tx.new_id()",
    "uuid.uuid4": "ask tx.new_id()",
    "uuid.uuid1": "ask tx.new_id()",
    "os.environ": "read the configuration",
    "os.getenv": "read the configuration",
    "random": "take it as an argument",
}

# The edges: whoever measures, adapts or parses meets the outside by trade.
EDGES: Final = {
    "runtime": "it wires the outside to everything else",
    "cli": "it is a person's own process",
    "infrastructure": "adapters are where the outside comes in",
    "library": "it is a program's own process",
    "api/edge.py": "it names requests that came without a name",
    "core/crash.py": "the hook of the crash tests is armed before anything is configured",
    "jobs/code/functions/capture.py": "it stamps the lines of jobs in a worker's process",
    "jobs/code/functions/execution.py": "it is to functions what jobs/worker is to scripts",
    "jobs/execution/worker": "a worker's process is an adapter to the machine",
    "jobs/execution/isolation": "it builds the environment of jobs from its own",
    "jobs/execution/executors": "they run in a worker's process, and look at how old its files are",
    "jobs/execution/packages": "it installs on the machine, and looks at how old its files are",
    "jobs/protocol": "a connection is an adapter to the machine",
}

# Single uses that no argument could replace.
ALLOWED: Final = {
    ("events/relay/relay.py", "random"): "jitter needs no reproducible chance",
    ("board/project_reports/models.py", "random"): "a seed comes in, so the draws are the same",
    ("jobs/module.py", "random"): "jitter needs no reproducible chance",
    ("automation/module.py", "random"): "jitter needs no reproducible chance",
    ("board/notifications_module.py", "random"): "jitter needs no reproducible chance",
    ("identity/login/entries.py", "uuid7"): "a token id is made where no transaction is open",
    ("identity/tokens/job_tokens.py", "uuid7"): "a token id is made where no transaction is open",
}


def _below_runtime() -> list[Path]:
    edges = tuple(EDGES)
    files = python_files("src")
    return [f for f in files if not f.relative_to(SRC).as_posix().startswith(edges)]


def test_nothing_ambient_is_used_below_the_runtime() -> None:
    used = {
        f"{relative(file)}:{node.lineno} {name}": AMBIENT[name]
        for file in _below_runtime()
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Attribute | ast.Name | ast.Import)
        for name in _names(node)
        if name in AMBIENT and (file.relative_to(SRC).as_posix(), name) not in ALLOWED
    }

    assert used == {}


@pytest.mark.parametrize("edge", [*EDGES, *(file for file, _ in ALLOWED)])
def test_edge_still_exists(edge: str) -> None:
    assert (SRC / edge).exists(), f"{edge} is gone: take it off the list"


def _names(node: ast.Attribute | ast.Name | ast.Import) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name == "random"]
    if isinstance(node, ast.Name):
        return [node.id] if node.id in {"uuid4", "uuid7"} else []
    if isinstance(node.value, ast.Name):
        return [f"{node.value.id}.{node.attr}"]
    if isinstance(node.value, ast.Attribute):
        return [f"{node.value.attr}.{node.attr}"]
    return []
