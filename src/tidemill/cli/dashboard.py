"""What `tidemill top` shows: queues and workers as lines of text; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tidemill.cli.output import printable

_MIB: Final = 1024 * 1024
_BAR: Final = 10
_NAME_MAX: Final = 24
BOLD, DIM, RED, YELLOW, GREEN, PLAIN = (
    "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[0m",
)  # fmt: skip
SORTS: Final = ("waiting", "running", "name")


@dataclass(frozen=True)
class Seen:
    """What one look at the server gave; `trouble` says why there is nothing newer."""

    url: str
    at: datetime
    tags: Sequence[Mapping[str, Any]] = ()
    workers: Sequence[Mapping[str, Any]] = ()
    ended_per_second: float | None = None
    failed_per_second: float | None = None
    sort: str = SORTS[0]
    trouble: str = ""
    color: bool = field(default=False)


def frame(seen: Seen, width: int, height: int) -> list[str]:
    """Return the lines of a screen of this size; what does not fit is counted in the last one."""
    paint = _painter(seen.color)
    queues, workers = _queues(seen, paint), _workers(seen, paint)
    head = [_title(seen, paint), _figures(seen, paint), ""]
    room = max(6, height - len(head) - 3)
    for_workers = min(len(workers), max(3, room // 2))
    shown_queues = _fitted(queues, room - for_workers, "tags")
    shown_workers = _fitted(workers, room - len(shown_queues), "workers")
    lines = [*head, *shown_queues, "", *shown_workers]
    if seen.trouble:
        lines += ["", paint(RED, seen.trouble)]
    return [_cut(line, width) for line in lines]


def sorted_tags(tags: Iterable[Mapping[str, Any]], sort: str) -> list[Mapping[str, Any]]:
    """Return tags with the most of what is sorted by first."""
    by: dict[str, Callable[[Mapping[str, Any]], tuple[int, str]]] = {
        "waiting": lambda tag: (-_waiting(tag), tag["tag"]),
        "running": lambda tag: (-int(tag["running"]), tag["tag"]),
        "name": lambda tag: (0, tag["tag"]),
    }
    return sorted(tags, key=by[sort])


def _title(seen: Seen, paint: Callable[[str, str], str]) -> str:
    # The address last, where a narrow screen cuts: whoever looks knows where they are.
    sort, url = f"sorted by {seen.sort}", printable(seen.url)
    return "  ".join([paint(BOLD, "Tidemill"), f"{seen.at:%H:%M:%S}", paint(DIM, sort), url])


def _figures(seen: Seen, paint: Callable[[str, str], str]) -> str:
    waiting = sum(_waiting(tag) for tag in seen.tags)
    running = sum(int(tag["running"]) for tag in seen.tags)
    parts = [f"{waiting} waiting", f"{running} running"]
    if seen.ended_per_second is not None:
        parts.append(f"{seen.ended_per_second:.1f} ended/s")
    if seen.failed_per_second:
        parts.append(paint(RED, f"{seen.failed_per_second:.1f} failed/s"))
    return "  ".join(parts)


def _queues(seen: Seen, paint: Callable[[str, str], str]) -> list[str]:
    heading = f"{'QUEUE':<{_NAME_MAX}}{'WAITING':>9}{'LIMITED':>9}{'LATER':>9}{'RUNNING':>9}"
    lines = [paint(BOLD, f"{heading}{'OLDEST':>9}")]
    for tag in sorted_tags(seen.tags, seen.sort):
        name = printable(tag["tag"]) + (" (paused)" if tag.get("paused") else "")
        line = (
            f"{_short(name):<{_NAME_MAX}}{tag['queued']:>9}{tag.get('waiting', 0):>9}"
            f"{tag['scheduled']:>9}{tag['running']:>9}{_age(tag.get('oldest_due_at'), seen.at):>9}"
        )
        lines.append(paint(YELLOW, line) if tag.get("paused") else line)
    if not seen.tags:
        lines.append(paint(DIM, "No job waits or runs."))
    return lines


def _workers(seen: Seen, paint: Callable[[str, str], str]) -> list[str]:
    heading = f"{'WORKER':<{_NAME_MAX}}{'STATE':<11}{'SLOTS':<18}{'MEMORY':>9}{'SEEN':>6}  TAKES"
    lines = [paint(BOLD, heading)]
    colors = {"connected": GREEN, "draining": YELLOW, "lost": RED, "left": DIM}
    for worker in sorted(seen.workers, key=lambda one: (one["state"] == "left", one["id"])):
        slots, running = int(worker["slots"]), int(worker["running"])
        filled = min(_BAR, -(-running * _BAR // max(1, slots)))
        bar = f"{'█' * filled}{'░' * (_BAR - filled)} {running}/{slots}"
        takes = ", ".join([*worker["tags"], *worker.get("labels", ())])
        state = paint(colors.get(worker["state"], PLAIN), f"{worker['state']:<11}")
        memory = f"{int(worker['resident_bytes']) // _MIB} MiB"
        lines.append(
            f"{_short(printable(worker['id'])):<{_NAME_MAX}}{state}{bar:<18}{memory:>9}"
            f"{_age(worker['seen_at'], seen.at):>6}  {printable(takes)}"
        )
    if not seen.workers:
        lines.append(paint(RED, "No worker has ever come. Start one with `tidemill worker`."))
    return lines


def _fitted(lines: list[str], room: int, things: str) -> list[str]:
    if len(lines) <= room:
        return lines
    return [*lines[: max(1, room - 1)], f"… and {len(lines) - max(1, room - 1)} more {things}"]


def _waiting(tag: Mapping[str, Any]) -> int:
    return int(tag["queued"]) + int(tag.get("waiting", 0))


def _age(moment: str | None, now: datetime) -> str:
    if not moment:
        return ""
    seconds = max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _short(name: str) -> str:
    return name if len(name) < _NAME_MAX else name[: _NAME_MAX - 2] + "…"


def _painter(color: bool) -> Callable[[str, str], str]:
    def paint(code: str, text: str) -> str:
        return f"{code}{text}{PLAIN}" if color else text

    return paint


def _cut(line: str, width: int) -> str:
    """Return the first `width` columns of a line, with its colours."""
    shown: list[str] = []
    left, index = width, 0
    while index < len(line):
        if line[index] == "\x1b":
            end = line.index("m", index) + 1
            shown.append(line[index:end])
            index = end
            continue
        if left > 0:
            shown.append(line[index])
            left -= 1
        index += 1
    return "".join(shown)
