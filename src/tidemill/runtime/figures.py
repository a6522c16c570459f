"""The figures of the stores, which belong to no module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tidemill.core.figures import Figure, FigureKind, Sample, Spread
from tidemill.infrastructure.database import Stores
from tidemill.infrastructure.database.figures import StoreFigures

_GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)


def store_figures(stores: Stores) -> Sequence[Figure]:
    """Return what metrics show of the stores."""
    look = stores.figures
    numbers: dict[str, tuple[str, Callable[[StoreFigures], float]]] = {
        "tidemill_db_queue_depth": (
            "Use cases that wait for their turn.",
            lambda one: one.queue_depth,
        ),
        "tidemill_db_open_files": ("Database files that are open.", lambda one: one.open_files),
        "tidemill_db_wal_bytes": ("Size of the write-ahead logs.", lambda one: one.wal_bytes),
        "tidemill_db_connections": (
            "Connections to the database server.",
            lambda one: one.connections,
        ),
        "tidemill_db_connections_idle": (
            "Connections that nobody uses now.",
            lambda one: one.connections_idle,
        ),
    }
    return (
        *(_figure(look, name, meaning, read) for name, (meaning, read) in numbers.items()),
        Figure(
            name="tidemill_db_group_size",
            meaning="Use cases that shared a commit.",
            read=lambda: [_spread(one) for one in look()],
            kind=FigureKind.HISTOGRAM,
            labels=("store",),
        ),
        Figure(
            name="tidemill_db_wait_seconds",
            meaning="Time that use cases waited for a thread, a file or a pooled connection.",
            read=lambda: [
                spread for kind, times in stores.timings.items() for spread in times.waits(kind)
            ],
            kind=FigureKind.HISTOGRAM,
            labels=("store",),
        ),
        Figure(
            name="tidemill_db_use_case_seconds",
            meaning="Time that the statements of a use case took, without the commit.",
            read=lambda: [
                spread for kind, times in stores.timings.items() for spread in times.use_cases(kind)
            ],
            kind=FigureKind.HISTOGRAM,
            labels=("store", "access"),
        ),
    )


def _figure(
    look: Callable[[], Iterable[StoreFigures]],
    name: str,
    meaning: str,
    read: Callable[[StoreFigures], float],
) -> Figure:
    return Figure(
        name=name,
        meaning=meaning,
        read=lambda: [Sample(read(one), (one.store,)) for one in look()],
        labels=("store",),
    )


def _spread(one: StoreFigures) -> Spread:
    counts = [0] * (len(_GROUP_SIZES) + 1)
    for size, commits in one.groups.items():
        place = sum(bound < size for bound in _GROUP_SIZES)
        counts[place] += commits
    total = sum(size * commits for size, commits in one.groups.items())
    return Spread(_GROUP_SIZES, counts, total, (one.store,))
