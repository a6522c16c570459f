"""What a sync was begun with, and what it has to push; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.contract import ProjectId
from tidemill.board.project_git.models import GitBinding, ItemPulled, SyncRequest
from tidemill.board.project_git.planning import Base, Conflict, Problem
from tidemill.core.clock import Instant
from tidemill.core.git import GitCommit

_keys_told_max: Final = 5
_UNKNOWN_ADDRESS: Final = "unknown@tidemill.invalid"


class Task(Struct, frozen=True, kw_only=True):
    """A sync that this process does: its binding, the credential, and what was asked for."""

    binding: GitBinding
    request: SyncRequest
    secret: str
    started_at: Instant
    holder: str

    def __repr__(self) -> str:
        return f"Task({self.binding.project_id!r})"


class Edit(Struct, frozen=True, kw_only=True):
    """What happens to one path of the repository; None takes it away. `what` is an item's key."""

    path: str
    content: bytes | None
    author: str
    what: str


class Applied(Struct, frozen=True, kw_only=True):
    """What the board took, and what is left to push.

    `pushed` are the bases once that is done, and `forgotten` the names that have none any more.
    """

    project_id: ProjectId
    edits: tuple[Edit, ...]
    pushed: tuple[Base, ...]
    forgotten: tuple[str, ...]
    pulled: tuple[ItemPulled, ...]
    conflicts: tuple[Conflict, ...]
    problems: tuple[Problem, ...]
    names: Mapping[str, str]

    @property
    def authors(self) -> tuple[str, ...]:
        """Return the ids of those in whose name something is pushed."""
        return tuple(sorted({edit.author for edit in self.edits}))

    def commits(self, directory: str, addresses: Mapping[str, str]) -> list[GitCommit]:
        """Return what is pushed, one commit for each author."""
        made = []
        for author in self.authors:
            edits = [edit for edit in self.edits if edit.author == author]
            made.append(
                GitCommit(
                    name=self.names.get(author, author),
                    address=addresses.get(author, _UNKNOWN_ADDRESS),
                    message=_message(edit.what for edit in edits),
                    writes={
                        _below(directory, edit.path): edit.content
                        for edit in edits
                        if edit.content is not None
                    },
                    removes=[
                        _below(directory, edit.path) for edit in edits if edit.content is None
                    ],
                )
            )
        return made


def _message(what: Iterable[str]) -> str:
    told: Sequence[str] = list(dict.fromkeys(what))
    more = f" and {len(told) - _keys_told_max} more" if len(told) > _keys_told_max else ""
    return f"Update {', '.join(told[:_keys_told_max])}{more}\n"


def _below(directory: str, path: str) -> str:
    return f"{directory}/{path}" if directory else path
