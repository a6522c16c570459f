"""The longest way through what blocks what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

links_max: Final = 100_000


def longest_path(weights: Mapping[str, int], links: Iterable[tuple[str, str]]) -> list[str]:
    """Return the items of a heaviest path over `links`, each from a blocking to a blocked item.

    Of several it is the one whose end, and before it whose items, stand first in `weights`. An
    item that no link names is on no path. What a cycle holds up is left out: there is none, since
    no dependency may close one.
    """
    following: dict[str, list[str]] = defaultdict(list)
    preceding: dict[str, list[str]] = defaultdict(list)
    waits_for: dict[str, int] = {}
    for blocking, blocked in links:
        following[blocking].append(blocked)
        preceding[blocked].append(blocking)
        waits_for.setdefault(blocking, 0)
        waits_for[blocked] = waits_for.get(blocked, 0) + 1
    places = {item: place for place, item in enumerate(weights)}
    lengths: dict[str, int] = {}
    before: dict[str, str] = {}
    ready = [item for item, count in waits_for.items() if count == 0]
    while ready:
        item = ready.pop()
        behind = max(preceding[item], key=lambda one: (lengths[one], -places[one]), default=None)
        lengths[item] = weights[item]
        if behind is not None:
            before[item] = behind
            lengths[item] += lengths[behind]
        for blocked in following[item]:
            waits_for[blocked] -= 1
            if waits_for[blocked] == 0:
                ready.append(blocked)
    end = max(lengths, key=lambda one: (lengths[one], -places[one]), default=None)
    path: list[str] = []
    while end is not None:
        path.append(end)
        end = before.get(end)
    return path[::-1]
