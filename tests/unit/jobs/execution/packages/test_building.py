from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tidemill.jobs.execution.packages import building
from tidemill.jobs.execution.packages.building import built
from tidemill.jobs.execution.packages.uv import PackageSource, UvFailed

pytestmark = pytest.mark.anyio


class FakeUv:
    """Installs one file, slowly enough that others can ask meanwhile."""

    def __init__(self) -> None:
        self.runs = 0
        self.fails = False
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(
        self, command: Sequence[str], source: PackageSource, *, stdin: bytes = b""
    ) -> bytes:
        self.runs += 1
        target = Path(command[command.index("--target") + 1])
        target.mkdir()  # noqa: ASYNC240 - one small directory
        (target / "waves.py").write_bytes(stdin)
        self.begun.set()
        await self.go.wait()
        if self.fails:
            raise UvFailed("no")
        return b""


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    uv = FakeUv()
    monkeypatch.setattr(building, "run_uv", uv)
    return uv


async def test_built_installs_once_for_all_who_ask(uv: FakeUv, tmp_path: Path) -> None:
    source = PackageSource(cache_directory=tmp_path)
    asking = [asyncio.create_task(built("waves==1", source)) for _ in range(5)]
    await uv.begun.wait()
    uv.go.set()

    places = await asyncio.gather(*asking)

    assert uv.runs == 1
    assert len(set(places)) == 1
    assert (places[0] / "waves.py").read_text() == "waves==1"


async def test_built_installs_again_what_another_forgets_at_that_moment(
    uv: FakeUv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PackageSource(cache_directory=tmp_path)
    uv.go.set()
    place = await built("waves==1", source)
    os.utime(place / ".used", (0, 0))
    touch = Path.touch

    def touch_too_late(path: Path) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(building, "run_uv", uv)
        building._forget_unused(place.parent)
        touch(path)

    monkeypatch.setattr(Path, "touch", touch_too_late)
    again = await built("waves==1", source)

    assert (uv.runs, again) == (2, place)
    assert (again / "waves.py").read_text() == "waves==1"


async def test_built_shows_nothing_half_done(uv: FakeUv, tmp_path: Path) -> None:
    source = PackageSource(cache_directory=tmp_path)
    uv.fails = True
    uv.go.set()
    with pytest.raises(UvFailed):
        await built("waves==1", source)
    left = [path for path in (tmp_path / "packages").iterdir() if path.is_dir()]
    uv.fails = False

    place = await built("waves==1", source)

    assert left == []
    assert (place / "waves.py").exists()
    assert uv.runs == 2


async def test_built_gives_each_lock_its_own_place(uv: FakeUv, tmp_path: Path) -> None:
    source = PackageSource(cache_directory=tmp_path)
    uv.go.set()

    assert await built("waves==1", source) != await built("waves==2", source)


async def test_built_removes_what_killed_builds_have_left(uv: FakeUv, tmp_path: Path) -> None:
    root = tmp_path / "packages"
    for name in ("a" * 40, building._name("waves==1")):
        (root / f"{name}.{'0' * 32}").mkdir(parents=True)
        (root / f"{name}.lock").touch()
    uv.go.set()

    place = await built("waves==1", PackageSource(cache_directory=tmp_path))

    assert [path.name for path in root.iterdir()] == [place.name]


async def test_built_leaves_a_build_alone_that_is_under_way(uv: FakeUv, tmp_path: Path) -> None:
    source = PackageSource(cache_directory=tmp_path)
    first = asyncio.create_task(built("waves==1", source))
    await uv.begun.wait()
    second = asyncio.create_task(built("tides==1", source))
    while uv.runs < 2:  # noqa: ASYNC110 - uv has one event, which is set already
        await asyncio.sleep(0)
    uv.go.set()

    places = await asyncio.gather(first, second)

    assert all((place / "waves.py").exists() for place in places)
