"""The board with 50,000 items in a tenant: what its hot routes cost, beside the peer.

    python -m benchmarks.board.run [--items 50000]

Ours gets its items over HTTP, in ten projects of equal size, whose boards show four columns of 50
cards; the peer's are written into its database. GET, POST and moves are measured at 32
connections, as in `benchmarks/http`; pages at one, since what counts there is how long one person
waits. The peer has no ranks, boards and search: those figures stand alone.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvloop

from benchmarks.api import Api
from benchmarks.http import load, peer_names
from benchmarks.http.run import CONNECTIONS, ROUNDS, Contestant, body, contestants, measure, median
from benchmarks.processes import machine, proportional_bytes

PROJECTS = 10
STATUSES = ("todo", "in_progress", "done", "backlog")
WORDS = (
    "anchor", "basin", "buoy", "canal", "current", "dam", "dike", "ebb", "estuary", "flood",
    "gate", "gauge", "harbour", "inlet", "jetty", "keel", "lagoon", "lock", "mill", "mooring",
    "pier", "pilot", "quay", "reef", "sluice", "spring", "storm", "surge", "tide", "vessel",
    "wave", "weir",
)  # fmt: skip
Make = Callable[[], bytes]


def contest(directory: Path, items: int) -> dict[str, Any]:
    """Fill both, measure by turns, and return the figures."""
    with contestants(directory) as (ours, peer):
        projects, moved = _fill_ours(ours, items)
        _fill_peer(directory / "peer.db", peer, items)
        memory = round(proportional_bytes(ours.process) / 2**20)
        cases = {
            "tidemill": {**_shared(ours), **_moves(ours, moved), **_pages(ours, projects[0])},
            "peer": _shared(peer),
        }
        rounds: dict[str, list[dict[str, float]]] = {}
        for _ in range(ROUNDS):
            for one in (ours, peer):
                for case, (make, connections) in cases[one.name].items():
                    result = measure(one, make, connections)
                    rounds.setdefault(f"{one.name} {case}", []).append(result)
        figures: dict[str, Any] = {name: median(results) for name, results in rounds.items()}
        after = round(proportional_bytes(ours.process) / 2**20)
    return {**figures, "memory MiB": {"filled": memory, "measured": after}}


def _fill_ours(one: Contestant, items: int) -> tuple[list[str], list[str]]:
    """Return the projects' ids, and the ids of items of the first that can be moved."""
    api = Api(f"http://127.0.0.1:{one.port}", one.token)
    projects = [one.project_id]
    for number in range(1, PROJECTS):
        made = api.call("POST", "/api/v1/projects", {"key": f"P{number}", "name": f"P{number}"})
        projects.append(made["id"])
    _post(one, projects, items)
    page = api.call("GET", f"/api/v1/work-items?project_id={projects[0]}&status=todo&limit=200")
    return projects, [item["id"] for item in page["items"]]


def _post(one: Contestant, projects: list[str], items: int) -> None:
    chance = random.Random(4)
    numbers = itertools.count()

    def make() -> bytes:
        item = _item(chance) | {
            "project_id": projects[next(numbers) % len(projects)],
            "status": chance.choice(STATUSES),
            "priority": chance.choice(("low", "medium", "high")),
        }
        return load.request("POST", "/api/v1/work-items", one.token, json.dumps(item).encode())

    address, left = ("127.0.0.1", one.port), items
    while left > 0:
        outcome = uvloop.run(load.run(address, make, connections=CONNECTIONS, seconds=2.0))
        if outcome.failures:
            raise RuntimeError(f"{outcome.failures} items were refused")
        left -= outcome.requests


def _fill_peer(database: Path, one: Contestant, items: int) -> None:
    """Write items as the peer does, without the minutes that it would take for them."""
    chance = random.Random(4)
    rows = [
        {
            **_item(chance),
            "id": str(uuid.uuid4()),
            "tenant_id": peer_names.TENANT,
            "project_id": one.project_id,
            "number": number,
            "status": "backlog",
            "version": 1,
            "created_at": number,
            "updated_at": number,
        }
        for number in range(1_000_000, 1_000_000 + items)
    ]
    names = tuple(rows[0])
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            f"INSERT INTO work_items ({', '.join(names)}) "
            f"VALUES ({', '.join(f':{name}' for name in names)})",
            rows,
        )


def _item(chance: random.Random) -> dict[str, Any]:
    return {
        "item_type": chance.choice(("story", "task", "bug")),
        "title": " ".join(chance.choices(WORDS, k=4)),
        "description": " ".join(chance.choices(WORDS, k=30)),
    }


def _shared(one: Contestant) -> dict[str, tuple[Make, int]]:
    get = load.request("GET", f"/api/v1/work-items/{one.item_id}", one.token)
    post = load.request("POST", "/api/v1/work-items", one.token, body(one.project_id))
    return {"GET": (lambda: get, CONNECTIONS), "POST": (lambda: post, CONNECTIONS)}


def _moves(one: Contestant, ids: list[str]) -> dict[str, tuple[Make, int]]:
    def requests() -> Iterator[bytes]:
        chance = random.Random(5)
        while True:
            item, after = chance.sample(ids, 2)
            change = json.dumps({"after_id": after}).encode()
            yield load.request("PATCH", f"/api/v1/work-items/{item}", one.token, change)

    return {"move": (requests().__next__, CONNECTIONS)}


def _pages(one: Contestant, project: str) -> dict[str, tuple[Make, int]]:
    paths = {
        "board": f"/api/v1/projects/{project}/board?limit=50",
        "board with lanes": f"/api/v1/projects/{project}/board?limit=50&lane=priority",
        "list": "/api/v1/work-items?limit=50&filter=" + quote("status:todo priority:high"),
        "search": "/api/v1/search?limit=20&q=" + quote("sluice harbour"),
        "search with a slip": "/api/v1/search?limit=20&q=" + quote("slucie harbuor"),
    }

    def page(path: str) -> Make:
        asked = load.request("GET", path, one.token)
        return lambda: asked

    return {name: (page(path), 1) for name, path in paths.items()}


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=50_000)
    options = parser.parse_args()
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        figures = contest(Path(folder), options.items)
    ratios = {
        case: round(
            figures[f"tidemill {case}"]["requests_per_second"]
            / figures[f"peer {case}"]["requests_per_second"],
            2,
        )
        for case in ("GET", "POST")
    }
    told = {"machine": before, "items": options.items, "figures": figures, "ours/peer": ratios}
    json.dump(told, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
