from __future__ import annotations

import threading

from tidemill.infrastructure.database.sqlite.crew import Crew, Lane


def test_submit_serves_a_narrow_lane_in_order_and_never_twice_at_a_time() -> None:
    crew: Crew[int] = Crew("test", 4)
    served: list[int] = []
    inside = threading.Semaphore(1)
    overlaps: list[int] = []

    def serve(jobs: list[int]) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(jobs[0])
            return
        served.extend(jobs)
        inside.release()

    lane: Lane[int] = Lane(serve, width=1, batch_max=7)
    for number in range(500):
        crew.submit(lane, number)
    crew.stop(seconds=60)

    assert overlaps == []
    assert served == list(range(500))


def test_stop_serves_what_is_queued_first() -> None:
    crew: Crew[int] = Crew("test", 1)
    started, go = threading.Event(), threading.Event()
    served: list[int] = []

    def serve(jobs: list[int]) -> None:
        started.set()
        go.wait(60)
        served.extend(jobs)

    lane: Lane[int] = Lane(serve, width=1, batch_max=1)
    for number in range(5):
        crew.submit(lane, number)
    started.wait(60)
    stopping = threading.Thread(target=lambda: crew.stop(seconds=60))
    stopping.start()
    go.set()
    stopping.join(60)

    assert served == [0, 1, 2, 3, 4]


def test_submit_lets_other_lanes_have_their_turn() -> None:
    crew: Crew[str] = Crew("test", 1)
    started, go = threading.Event(), threading.Event()
    served: list[str] = []

    def serve(jobs: list[str]) -> None:
        started.set()
        go.wait(60)
        served.extend(jobs)

    busy: Lane[str] = Lane(serve, width=1, batch_max=1)
    other: Lane[str] = Lane(serve, width=1, batch_max=1)
    for _ in range(3):
        crew.submit(busy, "busy")
    started.wait(60)
    crew.submit(other, "other")
    go.set()
    crew.stop(seconds=60)

    assert served == ["busy", "other", "busy", "busy"]


def test_submit_serves_a_wide_lane_with_several_threads() -> None:
    crew: Crew[int] = Crew("test", 3)
    together = threading.Barrier(2)

    def serve(jobs: list[int]) -> None:
        together.wait(60)

    lane: Lane[int] = Lane(serve, width=2, batch_max=1)
    crew.submit(lane, 1)
    crew.submit(lane, 2)
    crew.stop(seconds=60)

    assert not together.broken
