"""Merges what the board and a repository made of one item since both were the same; no I/O."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct, structs

from tidemill.board.project_git.item_files import Values, labels_of, labels_text


class Side(StrEnum):
    """Whose value counts where both changed one field."""

    BOARD = "board"
    REPOSITORY = "repository"


SideOf = Callable[[str], Side | None]
"""Returns whose value somebody chose for a field."""


def nobody(field: str) -> None:
    """Choose for no field."""
    del field


class Clash(Struct, frozen=True, kw_only=True):
    """A field that both sides changed, each otherwise; '' is no value."""

    field: str
    base: str
    board: str
    repository: str


class Merged(Struct, frozen=True, kw_only=True):
    """What two changes make together.

    `to_board` is what the board shall change, `file` all that the file shall say. `base` is what
    both sides have said since `to_board` is written, and `pushed` since the file is pushed, too:
    a field that clashes keeps its base, so that it clashes until somebody chooses.
    """

    to_board: Values
    file: Values
    base: Values
    pushed: Values
    clashes: tuple[Clash, ...]

    def refused(self, base: Values) -> Merged:
        """Return it where the board took nothing: the file stays ahead of `base`."""
        return structs.replace(
            self, to_board={}, base=_with(self.base, base, self.to_board),
            pushed=_with(self.pushed, base, self.to_board),
        )  # fmt: skip


def merged(base: Values, board: Values, file: Values, side_of: SideOf = nobody) -> Merged:
    """Return what both changes of `base` make."""
    to_board: dict[str, str] = {}
    said: dict[str, str] = {}
    kept: dict[str, str] = {}
    pushed: dict[str, str] = {}
    clashes: list[Clash] = []
    for field in sorted({*base, *board, *file}):
        old, ours, theirs = (each.get(field, "") for each in (base, board, file))
        side = side_of(field)
        chosen = _chosen(field, (old, ours, theirs), side)
        if chosen is None:
            clashes.append(Clash(field=field, base=old, board=ours, repository=theirs))
            said[field], kept[field], pushed[field] = theirs, old, old
            continue
        if chosen != ours:
            to_board[field] = chosen
        said[field] = pushed[field] = chosen
        # Until it is pushed, what the board alone changed differs from what both said.
        kept[field] = theirs if chosen != ours or side is not None or ours == theirs else old
    return Merged(
        to_board=to_board,
        file=_filled(said),
        base=_filled(kept),
        pushed=_filled(pushed),
        clashes=tuple(clashes),
    )


def _chosen(field: str, values: tuple[str, str, str], side: Side | None) -> str | None:
    old, ours, theirs = values
    if ours in (old, theirs):
        return theirs
    if theirs == old:
        return ours
    if field == "labels":
        return _labels_together(old, ours, theirs)
    if side is None:
        return None
    return ours if side is Side.BOARD else theirs


def _labels_together(old: str, ours: str, theirs: str) -> str:
    before, after, there = (set(labels_of(each)) for each in (old, ours, theirs))
    return labels_text((there - (before - after)) | (after - before))


def _filled(values: Values) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _with(values: Values, base: Values, fields: Values) -> dict[str, str]:
    return _filled({**values, **{name: base.get(name, "") for name in fields}})
