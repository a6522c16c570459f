"""Decides what a sync does: for each item and file what the board, and what the repository gets.

No I/O; what has gone wrong with one file holds up nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Final

from msgspec import Struct

from tidemill.board.git_errors import UnreadableFile
from tidemill.board.project_git.item_files import Values, read
from tidemill.board.project_git.merging import Clash, Merged, Side, merged

FILE: Final = "file"
"""The field of a clash over whether there shall be a file, and an item, at all."""
THERE: Final = "there"
CHANGED: Final = "changed"
DELETED: Final = "deleted"
ITEMS: Final = "items"
_SUFFIX: Final = ".md"


class Deletions(StrEnum):
    """What becomes of an item whose file somebody deleted; `refuse` writes the file anew."""

    ARCHIVE = "archive"
    REFUSE = "refuse"


class Item(Struct, frozen=True, kw_only=True):
    """An item of the project as the board has it; `author` is who changed it last."""

    id: str
    key: str
    values: Values
    author: str


class Base(Struct, frozen=True, kw_only=True):
    """What both sides said of an item last; without a path its file is away on purpose."""

    item_id: str
    key: str
    path: str | None
    values: Values


class Problem(Struct, frozen=True, kw_only=True):
    """A file that nothing is taken from, or that did not change the board as it would."""

    path: str
    key: str | None
    problem: str


class Conflict(Struct, frozen=True, kw_only=True):
    """What both sides changed, each otherwise: what it was, and what it is on both sides."""

    path: str
    key: str
    field: str
    base: str
    board: str
    repository: str


class Choice(Struct, frozen=True, kw_only=True):
    """Whose value counts in a conflict; without a field in all of the item's."""

    key: str
    side: Side
    field: str | None = None


class Deed(StrEnum):
    """What the board does with an item."""

    MERGE = "merge"
    MAKE = "make"
    ARCHIVE = "archive"
    RESTORE = "restore"
    FORGET = "forget"


class Move(Struct, frozen=True, kw_only=True):
    """What happens to one item and its file.

    `path` is where its file is or shall be, None for none. `old_path` is one that goes.
    """

    deed: Deed
    path: str | None
    merged: Merged
    item: Item | None = None
    base: Base | None = None
    old_path: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """What a sync does, and what it leaves to people."""

    moves: tuple[Move, ...]
    conflicts: tuple[Conflict, ...]
    problems: tuple[Problem, ...]


class Files(Struct, frozen=True, kw_only=True):
    """The files of items in a repository, by path, and those that cannot be read, with reasons."""

    texts: Mapping[str, str]
    refused: Mapping[str, str] = {}


def path_of(key: str) -> str:
    """Return where the file of an item stands, below the directory of the project."""
    return f"{ITEMS}/{key}{_SUFFIX}"


def is_item_path(path: str) -> bool:
    """Return whether a file below the directory of the project is one of an item."""
    return path.startswith(f"{ITEMS}/") and path.endswith(_SUFFIX) and path.count("/") == 1


def plan(
    items: Sequence[Item],
    bases: Sequence[Base],
    files: Files,
    *,
    deletions: Deletions,
    choices: Sequence[Choice] = (),
) -> Plan:
    """Return what a sync does."""
    return _Planner(items, bases, deletions, choices).plan(files)


class _Found(Struct, frozen=True):
    """The file of an item; one without a key shall be called by it from now on."""

    path: str
    values: Values
    proper: str | None = None


class _Planner:
    def __init__(
        self,
        items: Sequence[Item],
        bases: Sequence[Base],
        deletions: Deletions,
        choices: Sequence[Choice],
    ) -> None:
        self._items = {item.key: item for item in items}
        self._ids = {item.id: item for item in items}
        self._bases = {base.item_id: base for base in bases}
        self._deletions = deletions
        self._choices = choices
        self._moves: list[Move] = []
        self._conflicts: list[Conflict] = []
        self._problems: list[Problem] = []

    def plan(self, files: Files) -> Plan:
        found = self._found(files)
        held = {problem.path for problem in self._problems}
        for item in self._items.values():
            base = self._bases.get(item.id)
            at = found.get(item.id)
            path = base.path if base is not None else path_of(item.key)
            if at is not None:
                self._both(item, base, at)
            elif path not in held:
                self._without_file(item, base)
        for base in self._bases.values():
            if base.item_id not in self._ids and base.path not in held:
                self._without_item(base, found.get(base.item_id))
        return Plan(
            moves=tuple(self._moves),
            conflicts=tuple(self._conflicts),
            problems=tuple(self._problems),
        )

    def _found(self, files: Files) -> dict[str, _Found]:
        """Return path and values of the file of each item by its id; new ones become moves."""
        found: dict[str, _Found] = {}
        of_path = {base.path: base for base in self._bases.values() if base.path is not None}
        of_key = {base.key: base for base in self._bases.values()}
        for path, why in sorted(files.refused.items()):
            self._problems.append(Problem(path=path, key=None, problem=why))
        # Those at the place that they had come first: a copy of a file is the other one.
        for path in sorted(files.texts, key=lambda path: (path not in of_path, path)):
            try:
                key, values = read(files.texts[path])
            except UnreadableFile as error:
                self._problems.append(Problem(path=path, key=None, problem=f"{path}: {error}"))
                continue
            base = of_path.get(path) if key is None else of_key.get(key)
            item_id = base.item_id if base is not None else None
            if item_id is None and key is not None and key in self._items:
                item_id = self._items[key].id
            if item_id is None and key is not None:
                told = f"{path}: there is no item {key}; without its key the file makes a new one."
                self._problems.append(Problem(path=path, key=key, problem=told))
            elif item_id is None:
                self._make(path, values)
            elif item_id in found:
                told = f"{path}: {found[item_id].path} is the file of the same item already."
                self._problems.append(Problem(path=path, key=key, problem=told))
            else:
                found[item_id] = _Found(path, values, self._proper(key, base, files))
        return found

    def _proper(self, key: str | None, base: Base | None, files: Files) -> str | None:
        """Return where a file without a key shall go: it made its item, and nothing was pushed."""
        if key is not None or base is None or path_of(base.key) in files.texts:
            return None
        return path_of(base.key)

    def _make(self, path: str, values: Values) -> None:
        if not values.get("title"):
            told = f"{path}: a new item needs a title."
            self._problems.append(Problem(path=path, key=None, problem=told))
            return
        new = merged({}, {}, values)
        self._moves.append(Move(deed=Deed.MAKE, path=path, merged=new))

    def _both(self, item: Item, base: Base | None, at: _Found) -> None:
        before = {} if base is None else base.values
        made = merged(before, item.values, at.values, partial(self._side, item.key))
        self._clash(item.key, at.path, made.clashes)
        path, old_path = (at.path, None) if at.proper is None else (at.proper, at.path)
        self._moves.append(
            Move(deed=Deed.MERGE, path=path, merged=made, item=item, base=base, old_path=old_path)
        )

    def _without_file(self, item: Item, base: Base | None) -> None:
        if base is None:
            self._write(item, base, path_of(item.key))
            return
        if base.path is None:
            if not item.values.get("archived"):
                self._write(item, base, path_of(item.key))
            return
        if item.values.get("archived"):
            self._away(item, base, Deed.MERGE)
            return
        if dict(item.values) == dict(base.values):
            if self._deletions is Deletions.ARCHIVE:
                self._away(item, base, Deed.ARCHIVE)
                return
            told = (
                f"{base.path} was deleted, and is written again: archive {item.key} on the board."
            )
            self._problems.append(Problem(path=base.path, key=item.key, problem=told))
            self._write(item, base, base.path)
            return
        side = self._side(item.key, FILE)
        if side is Side.BOARD:
            self._write(item, base, base.path)
        elif side is Side.REPOSITORY:
            self._away(item, base, Deed.ARCHIVE)
        else:
            self._exists(base, board=CHANGED, repository=DELETED)

    def _without_item(self, base: Base, at: _Found | None) -> None:
        """Take the file of an item away that was deleted, or went to another project."""
        nothing = merged({}, {}, {})
        if at is None:
            self._moves.append(Move(deed=Deed.FORGET, path=None, merged=nothing, base=base))
            return
        path, values = at.path, at.values
        side = self._side(base.key, FILE)
        if dict(values) == dict(base.values) or side is Side.BOARD:
            gone = Move(deed=Deed.FORGET, path=None, merged=nothing, base=base, old_path=path)
            self._moves.append(gone)
        elif side is Side.REPOSITORY:
            same = merged(base.values, base.values, base.values)
            self._moves.append(Move(deed=Deed.RESTORE, path=path, merged=same, base=base))
        else:
            self._exists(base, board=DELETED, repository=CHANGED)

    def _write(self, item: Item, base: Base | None, path: str) -> None:
        made = merged({}, item.values, {})
        self._moves.append(Move(deed=Deed.MERGE, path=path, merged=made, item=item, base=base))

    def _away(self, item: Item, base: Base, deed: Deed) -> None:
        values = {**item.values, "archived": "true"}
        same = merged(values, values, values)
        self._moves.append(Move(deed=deed, path=None, merged=same, item=item, base=base))

    def _exists(self, base: Base, *, board: str, repository: str) -> None:
        clash = Clash(field=FILE, base=THERE, board=board, repository=repository)
        self._clash(base.key, base.path or path_of(base.key), [clash])

    def _clash(self, key: str, path: str, clashes: Iterable[Clash]) -> None:
        self._conflicts += [
            Conflict(
                path=path,
                key=key,
                field=clash.field,
                base=clash.base,
                board=clash.board,
                repository=clash.repository,
            )
            for clash in clashes
        ]

    def _side(self, key: str, field: str) -> Side | None:
        """Return what was chosen last for a field of an item."""
        of_item = (choice for choice in reversed(self._choices) if choice.key == key)
        return next((one.side for one in of_item if one.field in {field, None}), None)
