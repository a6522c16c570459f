from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tidemill.jobs.execution.worker import spool as spools
from tidemill.jobs.execution.worker.spool import Spool, quick_bytes_max
from tidemill.jobs.protocol.messages import Held, Outcome, Verdict

pytestmark = pytest.mark.anyio


def _outcome(job_id: str, epoch: int = 1) -> Outcome:
    return Outcome(
        job_id=job_id, epoch=epoch, verdict=Verdict.SUCCEEDED, started_at=1, finished_at=2
    )


def _opened(directory: Path) -> Spool:
    spool = Spool(directory)
    assert spool.open() == 0
    return spool


async def test_open_finds_what_an_earlier_worker_put(tmp_path: Path) -> None:
    first = _opened(tmp_path / "spool")
    await first.put([_outcome("a")])
    await first.put([_outcome("a", epoch=2), _outcome("../../escape")])

    second = _opened(tmp_path / "spool")

    assert second.outcomes() == (_outcome("a"), _outcome("a", epoch=2), _outcome("../../escape"))
    assert sorted(tmp_path.glob("*")) == [tmp_path / "spool"]  # noqa: ASYNC240 - nothing else runs


async def test_drop_forgets_for_good(tmp_path: Path) -> None:
    spool = _opened(tmp_path)
    await spool.put([_outcome("a"), _outcome("b")])

    spool.drop((Held("a", 1), Held("unknown", 1)))

    assert spool.held() == (Held("b", 1),)
    assert _opened(tmp_path).held() == (Held("b", 1),)


async def test_drop_of_all_leaves_an_empty_file(tmp_path: Path) -> None:
    spool = _opened(tmp_path)
    await spool.put([_outcome("a"), _outcome("b")])

    spool.drop(spool.held())
    size = (tmp_path / "outcomes").stat().st_size
    await spool.put([_outcome("c")])

    assert size == 0
    assert _opened(tmp_path).held() == (Held("c", 1),)


async def test_drop_writes_a_file_anew_that_holds_mostly_what_was_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "waste_bytes_max", 1_000)
    spool = _opened(tmp_path)
    await spool.put([_outcome("stays")])

    for number in range(100):
        await spool.put([_outcome(f"job-{number}")])
        spool.drop([Held(f"job-{number}", 1)])
        assert (tmp_path / "outcomes").stat().st_size < 2_500
    await spool.put([_outcome("last")])

    assert _opened(tmp_path).held() == (Held("stays", 1), Held("last", 1))


@given(cut=st.integers(min_value=1, max_value=400))
def test_open_counts_all_before_a_record_that_is_not_whole(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    spool = _opened(directory)
    records = [spool._record(_outcome(name)) for name in "abcd"]
    data = b"".join(records)
    kept = data[: max(0, len(data) - cut)]
    (directory / "outcomes").write_bytes(kept)
    whole = len(kept) // len(records[0])

    again = Spool(directory)

    assert again.open() == len(kept) - whole * len(records[0])
    assert [held.job_id for held in again.held()] == list("abcd")[:whole]


async def test_open_sets_aside_what_cannot_be_read_and_goes_on(tmp_path: Path) -> None:
    spool = _opened(tmp_path)
    await spool.put([_outcome("good")])
    with (tmp_path / "outcomes").open("ab") as file:
        file.write(b"half a rec")

    again = Spool(tmp_path)

    assert again.open() == len(b"half a rec")
    await again.put([_outcome("next")])
    assert _opened(tmp_path).held() == (Held("good", 1), Held("next", 1))
    assert (tmp_path / "outcomes.unreadable").read_bytes() == b"half a rec"


async def test_put_writes_large_outcomes_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _opened(tmp_path)
    writers: list[int] = []
    write = os.write

    def noted(file: int, data: bytes) -> int:
        writers.append(threading.get_ident())
        spool.drop([Held("small", 1)])  # While it is being written, nothing else is.
        return write(file, data)

    await spool.put([_outcome("small")])
    monkeypatch.setattr(os, "write", noted)
    await spool.put([structs.replace(_outcome("large"), result=b"1" * quick_bytes_max)])
    monkeypatch.undo()

    assert writers[0] != threading.get_ident()
    assert _opened(tmp_path).held() == spool.held() == (Held("large", 1),)


async def test_close_waits_for_a_write_whose_waiter_was_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _opened(tmp_path)
    writes, goes_on, write = threading.Event(), threading.Event(), os.write

    def slow(file: int, data: bytes) -> int:
        writes.set()
        assert goes_on.wait(60)
        return write(file, data)

    monkeypatch.setattr(os, "write", slow)
    large = structs.replace(_outcome("large"), result=b"1" * quick_bytes_max)
    putting = asyncio.create_task(spool.put([large]))
    await asyncio.to_thread(writes.wait, 60)
    putting.cancel()
    closing = asyncio.create_task(asyncio.to_thread(spool.close))
    await asyncio.wait([putting, closing], timeout=0.2)
    goes_on.set()
    await asyncio.wait([putting, closing])
    monkeypatch.undo()

    assert _opened(tmp_path).held() == (Held("large", 1),)


async def test_drop_writes_a_large_file_anew_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "waste_bytes_max", 1_000)
    large = b"1" * quick_bytes_max
    spool = _opened(tmp_path)
    await spool.put([structs.replace(_outcome(name), result=large) for name in "abcdef"])
    writers: list[int] = []
    replace = Path.replace

    def noted(self: Path, target: Path) -> Path:
        writers.append(threading.get_ident())
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", noted)
    spool.drop([Held(name, 1) for name in "abcd"])
    await asyncio.sleep(0)
    spool.drop([Held("e", 1)])
    while spool._compacting is not None:
        await asyncio.wait([spool._compacting])
    await spool.put([_outcome("last")])

    assert writers
    assert threading.get_ident() not in writers
    assert (tmp_path / "outcomes").stat().st_size < 3 * quick_bytes_max
    assert _opened(tmp_path).held() == spool.held() == (Held("f", 1), Held("last", 1))


async def test_put_keeps_what_the_disk_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _opened(tmp_path)
    await spool.put([_outcome("a")])
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))

    with pytest.raises(OSError, match="No space left") as raised:
        await spool.put([_outcome("b")])
    monkeypatch.undo()
    await spool.put([_outcome("c")])

    assert raised.value.errno == errno.ENOSPC
    assert spool.held() == (Held("a", 1), Held("b", 1), Held("c", 1))
    assert _opened(tmp_path).held() == (Held("a", 1), Held("c", 1))


async def test_open_on_a_full_disk_still_knows_what_is_to_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _opened(tmp_path)
    await spool.put([_outcome("a"), _outcome("b")])
    with (tmp_path / "outcomes").open("ab") as file:
        file.write(b"half a rec")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    again = Spool(tmp_path)
    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    assert again.open() == len(b"half a rec")
    monkeypatch.undo()
    again.drop([Held("a", 1)])
    await again.put([_outcome("c")])

    assert _opened(tmp_path).held() == again.held() == (Held("b", 1), Held("c", 1))


async def test_drop_goes_on_with_the_old_file_when_no_new_one_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "waste_bytes_max", 100)
    spool = _opened(tmp_path)
    await spool.put([_outcome(str(number)) for number in range(10)])

    def none_left(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", none_left)
    spool.drop([Held(str(number), 1) for number in range(9)])
    await spool.put([_outcome("after")])
    monkeypatch.undo()

    assert _opened(tmp_path).held() == spool.held() == (Held("9", 1), Held("after", 1))


async def test_put_that_cannot_be_written_down_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = _opened(tmp_path)
    unspeakable = structs.replace(_outcome("bad"), error={"message": "\udcff"})

    with pytest.raises(UnicodeEncodeError):
        await spool.put([_outcome("good"), unspeakable])

    assert spool.held() == ()
