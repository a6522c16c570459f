"""The library's guide and its examples do what they say, each with a worker of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import Final

import httpx
import pytest

from tests.architecture.sources import ROOT
from tests.fixtures.ports import free_port
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import TIDEMILL
from tests.fixtures.waiting import wait_until

GUIDE: Final = ROOT / "docs" / "guide" / "library.md"
EXAMPLES: Final = ROOT / "examples" / "library"
BLOCK: Final = re.compile(r"```(?:python|text) title=\"([^\"]+)\"\n(.*?)```", re.DOTALL)
DISPATCH: Final = ROOT / "docs" / "guide" / "dispatch.md"
FRAGMENT: Final = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the fragments of the guides name without showing it.
AROUND_FRAGMENTS: Final = """
from datetime import timedelta
import tidemill
cents, letter, film = "250", "letter", "film"
ships = lambda day: ["Alba", "Bris"]
@tidemill.job
def charge(number: int, cents: int = 100) -> int: ...
@tidemill.job(name="shop.tasks:report")
def report(ships: int | str) -> int | str:
    return ships
@tidemill.job
async def tidy() -> None: ...
@tidemill.job
async def tell_somebody(run: dict) -> None: ...
@tidemill.job
async def send(what: str) -> None: ...
@tidemill.job
async def render(what: str) -> None: ...
"""
seconds_max: Final = 60.0


class Place:
    """A folder, and processes in it that end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(folder)}

    def run(self, *command: str) -> str:
        """Return what a command prints; fail when it does."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, capture_output=True,
            text=True, timeout=seconds_max,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def beside(self, *command: str, until: str) -> Iterator[None]:
        """Run a command while the block lasts, which begins when it has printed `until`."""
        path = self.folder / f"{Path(command[0]).name}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        try:
            wait_until(
                lambda: until in path.read_text() or process.poll() is not None,
                seconds_max=seconds_max,
                what=f"{until!r} of {command}",
            )
            assert process.poll() is None, path.read_text()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(seconds_max)
        assert code in {0, -signal.SIGTERM}, path.read_text()


@pytest.fixture
def place() -> Iterator[Place]:
    folder = run_directory() / unique_name("l").removeprefix("tidemill_test_")
    folder.mkdir()
    yield Place(folder)
    shutil.rmtree(folder)


def test_guide_prints_what_it_says(place: Place) -> None:
    blocks = dict(BLOCK.findall(GUIDE.read_text(encoding="utf-8")))
    for name in ("shop/tasks.py", "shop/orders.py", "main.py", "steering.py"):
        file = place.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(blocks[name])
    place.environment = {**place.environment, "TIDEMILL_DATABASE_URL": "sqlite:///jobs.db"}

    with place.beside(TIDEMILL, "worker", "--app", "shop.tasks", until="Worker "):
        printed = place.run(sys.executable, "main.py")
        place.run(sys.executable, "-c", "import shop.orders")
        steered = place.run(sys.executable, "steering.py")

    assert printed == blocks["main.py prints"]
    assert steered == "0 of 0 run again\n"


def test_fragments_of_the_guides_hold_in_a_program(place: Place) -> None:
    errors, schedules, functions = FRAGMENT.findall(GUIDE.read_text(encoding="utf-8"))
    (strategies,) = FRAGMENT.findall(DISPATCH.read_text(encoding="utf-8"))
    enqueued = "print(await (await count_ships.enqueue('monday')).result(timeout=60))\n"
    working = f"async with app.worker():\n{indent(errors + schedules + enqueued, '    ')}"
    main = f"async def main():\n{indent(strategies + working, '    ')}"
    (place.folder / "program.py").write_text(f"{AROUND_FRAGMENTS}{functions}\n{main}")
    place.environment = {**place.environment, "TIDEMILL_DATABASE_URL": "sqlite:///jobs.db"}

    printed = place.run(
        sys.executable, "-c", "import asyncio, program; asyncio.run(program.main())"
    )

    told = [line for line in printed.splitlines() if "[info" not in line]
    assert told == ["args.cents: Expected `int`, got `str`.", "2"]


def test_script_example_counts_words(place: Place) -> None:
    shutil.copytree(EXAMPLES / "script", place.folder, dirs_exist_ok=True)
    place.environment = {**place.environment, "TIDEMILL_DATABASE_URL": "sqlite:///jobs.db"}

    with place.beside(TIDEMILL, "worker", "--app", "tasks", until="Worker "):
        printed = place.run(sys.executable, "main.py")

    assert "the tide comes: {'comes': 1, 'the': 1, 'tide': 1}" in printed


def test_fastapi_example_confirms_an_order(place: Place) -> None:
    shutil.copytree(EXAMPLES / "fastapi_shop", place.folder, dirs_exist_ok=True)
    port = str(free_port())
    serve = (sys.executable, "-m", "uvicorn", "shop:api", "--port", port)

    with (
        place.beside(TIDEMILL, "worker", "--app", "shop", until="Worker "),
        place.beside(*serve, until="startup complete"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=seconds_max) as client,
    ):
        ordered = client.post("/orders", json={"item": "rope"}).json()
        answer = client.get(f"/jobs/{ordered['job']}")

    assert answer.json() == {"result": f"order {ordered['number']} is confirmed"}


@pytest.mark.full(reason="four interpreters, 4 s of CPU; FastAPI's example stands for programs")
def test_django_example_confirms_an_order(place: Place) -> None:
    shutil.copytree(EXAMPLES / "django_shop", place.folder, dirs_exist_ok=True)
    port = str(free_port())
    place.run(sys.executable, "manage.py", "migrate", "--verbosity", "0")
    serve = (sys.executable, "manage.py", "runserver", "--noreload", port)

    with (
        place.beside(TIDEMILL, "worker", "--app", "shop.tasks", until="Worker "),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=seconds_max) as client,
        place.beside(*serve, until="Quit the server"),
    ):
        ordered = client.post("/orders/", data={"item": "lamp"}).json()
        answer = client.get(f"/jobs/{ordered['job']}/")

    assert answer.json() == {"result": "lamp is confirmed"}
