"""Which items share a frame, and how far each frame reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tidemill.events.wire import Encoder

frame_bytes_max: Final = 512 * 1024
"""Clients refuse what is too large, many from 1 MiB on; only a single item may be larger."""

Item = tuple[bytes, int]


def frames_of(encoder: Encoder, items: Sequence[Item], epoch: str) -> list[Item]:
    """Return the frames that carry `items`, in order, each with how far it reaches.

    An item comes with the number up to which all is told once it is. A frame after which something
    of the same number is still to come reaches 0: nobody resumes there.
    """
    found: list[Item] = []
    for group in _groups(items):
        through = group[-1][1]
        frames = encoder.frames([item for item, _ in group], through, epoch)
        found += [(frame, 0) for frame in frames[:-1]]
        found.append((frames[-1], through))
    return found


def _groups(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    start = size = 0
    for index, (item, _) in enumerate(items):
        if index > start and size + len(item) > frame_bytes_max:
            yield items[start:index]
            start, size = index, 0
        size += len(item)
    if items:
        yield items[start:]
