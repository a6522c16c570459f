"""Which commit runs here, as far as that can be told."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

UNKNOWN: Final = "unknown"
_shown_chars: Final = 12


class _Vcs(Struct, frozen=True):
    commit_id: str | None = None


class _Origin(Struct, frozen=True):
    vcs_info: _Vcs | None = None


def revision() -> str:
    """Return the commit that was installed, or that is checked out; `unknown` otherwise."""
    return (_installed() or _checked_out(Path(__file__).parents[3]) or UNKNOWN)[:_shown_chars]


def _installed() -> str | None:
    try:
        origin = distribution("tidemill").read_text("direct_url.json")
        found = msgspec.json.decode(origin or "{}", type=_Origin)
    except (PackageNotFoundError, msgspec.DecodeError):
        return None
    return found.vcs_info.commit_id if found.vcs_info else None


def _checked_out(root: Path) -> str | None:
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.exists():
            return loose.read_text().strip()
        lines = (git / "packed-refs").read_text().splitlines()
    except OSError:
        return None
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)
