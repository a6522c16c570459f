"""Does what the plan of a sync says, move by move, and notes what is left to push."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from msgspec import UNSET

from tidemill.board.contract import WorkItemId
from tidemill.board.project_documents.models import Called
from tidemill.board.project_git.item_files import Values, read, written
from tidemill.board.project_git.merging import Side
from tidemill.board.project_git.models import ItemPulled
from tidemill.board.project_git.planning import (
    Base,
    Deed,
    Item,
    Move,
    Plan,
    Problem,
    path_of,
)
from tidemill.board.project_git.syncing.item_writing.service import ItemWriting
from tidemill.board.project_git.syncing.models import Applied, Edit, Task
from tidemill.board.project_git.values import Names, changes_of
from tidemill.board.projects.models import Project
from tidemill.board.work_items.changing.models import Rules
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.actor import Actor
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation
from tidemill.core.git import GitSnapshot
from tidemill.core.ports import Tx

T = TypeVar("T")
# What is wrong with one item, and not with the store or with us.
_REFUSALS: Final = (InvalidInput, NotFound, Conflict, RuleViolation)


class Doing:
    """One sync under way."""

    def __init__(
        self,
        tx: Tx,
        board: ItemWriting,
        project: Project,
        called: tuple[Called, Names],
        given: tuple[Rules, GitSnapshot, Mapping[str, Base]],
        by: Actor,
    ) -> None:
        self._tx = tx
        self._board = board
        self._project = project
        self._called, self._names = called
        self._rules, self._snapshot, self._known = given
        self._by = by
        self._edits: list[Edit] = []
        self._pushed: list[Base] = []
        self._forgotten: list[str] = []
        self._pulled: list[ItemPulled] = []
        self._problems: list[Problem] = []
        self.bases: list[Base] = []
        self.gone: list[str] = []

    def do(self, move: Move) -> None:
        """Do what one move says."""
        match move.deed:
            case Deed.MAKE:
                self._make(move)
            case Deed.MERGE:
                self._merge(move)
            case Deed.ARCHIVE:
                self._archive(move)
            case Deed.RESTORE:
                self._restore(move)
            case Deed.FORGET:
                self._forget(move)

    def write_frames(self, frames: Mapping[str, str], task: Task) -> None:
        """Write the files of the project itself, but not over what others made of them."""
        author = self._by.user_id or self._by.id
        chosen = {one.key for one in task.request.choices if one.side is Side.BOARD}
        for name, text in frames.items():
            base = self._known.get(name)
            there = self._snapshot.files.get(name)
            new = Base(item_id=name, key=name, path=name, values={"text": text})
            if there == text.encode():
                self.bases += [new] if base != new else []
                continue
            is_ours = base is not None and there == base.values["text"].encode()
            if there is None or is_ours or name in chosen:
                self._edits.append(Edit(path=name, content=text.encode(), author=author, what=name))
                self._pushed.append(new)
                continue
            told = (
                f"{name} is written by the board alone, and was changed in the repository. Change "
                "it on the board, or choose the board's side for it."
            )
            self._problems.append(Problem(path=name, key=name, problem=told))

    def applied(self, wanted: Plan, names: Mapping[str, str]) -> Applied:
        """Return what was done, and what is left to push."""
        return Applied(
            project_id=self._project.id,
            edits=tuple(self._edits),
            pushed=tuple(self._pushed),
            forgotten=tuple(self._forgotten),
            pulled=tuple(self._pulled),
            conflicts=wanted.conflicts,
            problems=(*wanted.problems, *self._problems),
            names=names,
        )

    def _make(self, move: Move) -> None:
        path, values = str(move.path), move.merged.file
        made = self._tried(
            path, None,
            lambda: self._board.make(
                self._tx, values, self._project, self._names, self._rules, by=self._by
            ),
        )  # fmt: skip
        if made is None:
            return
        self._pulled.append(ItemPulled(key=made.key, path=path, deed="made"))
        self.bases.append(Base(item_id=made.id, key=made.key, path=path, values=values))
        told = self._board.values(self._tx, made, self._called)
        proper = path_of(made.key)
        author = self._by.user_id or self._by.id
        if proper != path:
            self._edits.append(Edit(path=path, content=None, author=author, what=made.key))
        self._write(proper, made.key, told, author)
        self._pushed.append(Base(item_id=made.id, key=made.key, path=proper, values=told))

    def _merge(self, move: Move) -> None:
        item, made = move.item, move.merged
        if item is None:
            return
        if move.path is None:
            self._keep(item, None, move.merged.base)
            return
        if made.to_board:
            changes = self._tried(
                move.path, item.key,
                lambda: self._board.change(
                    self._tx, item.id, changes_of(made.to_board, self._names), self._rules,
                    by=self._by,
                ) or UNSET,
            )  # fmt: skip
            if changes is None:
                made = made.refused({} if move.base is None else move.base.values)
            elif changes is not UNSET:
                fields = tuple(sorted(made.to_board))
                self._pulled.append(
                    ItemPulled(key=item.key, path=move.path, deed="changed", fields=fields)
                )
        here = move.old_path or move.path
        if here in self._snapshot.files:
            self._keep(item, here, made.base)
        if move.old_path is not None:
            author = self._by.user_id or self._by.id
            self._edits.append(Edit(path=move.old_path, content=None, author=author, what=item.key))
        base = Base(item_id=item.id, key=item.key, path=move.path, values=made.pushed)
        if not self._says(move.path, item.key, made.file):
            self._write(move.path, item.key, made.file, item.author)
        if base != self._known.get(item.id):
            self._pushed.append(base)

    def _archive(self, move: Move) -> None:
        item = move.item
        if item is None or move.base is None:
            return
        path = str(move.base.path)
        done = self._tried(
            path, item.key,
            lambda: self._board.change(
                self._tx, item.id, WorkItemChanges(archived=True), self._rules, by=self._by
            ) or UNSET,
        )  # fmt: skip
        if done is not None:
            self._pulled.append(ItemPulled(key=item.key, path=path, deed="archived"))
            self._keep(item, None, move.merged.base)

    def _restore(self, move: Move) -> None:
        base, path = move.base, str(move.path)
        if base is None:
            return
        item_id = WorkItemId(base.item_id)

        def restore() -> bool:
            self._board.restore(self._tx, item_id, self._project, by=self._by)
            return True

        if self._tried(path, base.key, restore):
            self._pulled.append(ItemPulled(key=base.key, path=path, deed="restored"))

    def _forget(self, move: Move) -> None:
        base = move.base
        if base is None:
            return
        if move.old_path is None:
            self.gone.append(base.item_id)
            return
        author = self._by.user_id or self._by.id
        self._edits.append(Edit(path=move.old_path, content=None, author=author, what=base.key))
        self._forgotten.append(base.item_id)

    def _keep(self, item: Item, path: str | None, values: Values) -> None:
        base = Base(item_id=item.id, key=item.key, path=path, values=values)
        if base != self._known.get(item.id):
            self.bases.append(base)

    def _says(self, path: str, key: str, values: Values) -> bool:
        """Return whether a file says this already, however somebody has written it."""
        content = self._snapshot.files.get(path)
        if content is None:
            return False
        return read(content.decode()) == (key, dict(values))

    def _write(self, path: str, key: str, values: Values, author: str) -> None:
        content = written(key, values).encode()
        self._edits.append(Edit(path=path, content=content, author=author, what=key))

    def _tried(self, path: str, key: str | None, part: Callable[[], T]) -> T | None:
        """Return what a part gives; where it is refused, undo it, tell why and return None."""
        try:
            return self._tx.attempt(part)
        except _REFUSALS as error:
            problem = error.message
        self._problems.append(Problem(path=path, key=key, problem=f"{path}: {problem}"))
        return None
