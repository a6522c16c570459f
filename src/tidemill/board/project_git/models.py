"""How a project is bound to a repository, and what becomes of a sync; no I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Self

from msgspec import Struct, structs

from tidemill.board.contract import ProjectId
from tidemill.board.git_errors import GitSyncUnderWay, InvalidGitBinding
from tidemill.board.project_git.planning import Choice, Conflict, Deletions, Problem
from tidemill.core.clock import Instant

url_chars_max: Final = 2000
told_max: Final = 500
"""How many changes, conflicts and problems a report lists; it counts all."""
_BRANCH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_USERNAME: Final = re.compile(r"[!-9;-~]*")
_SECRET: Final = re.compile(r"[!-~]+")
_name_chars_max: Final = 200


class GitState(StrEnum):
    """Whether a sync is asked for, or under way."""

    IDLE = "idle"
    WAITING = "waiting"
    RUNNING = "running"


class SyncOutcome(StrEnum):
    """How a sync ended."""

    DONE = "done"
    CHECKED = "checked"
    FAILED = "failed"


class SyncRequest(Struct, frozen=True, kw_only=True):
    """What a sync was asked for, and by whom; it has that person's rights."""

    user_id: str
    dry_run: bool = False
    choices: tuple[Choice, ...] = ()


class ItemPulled(Struct, frozen=True, kw_only=True):
    """An item that changed on the board by its file: made, changed, archived or restored."""

    key: str | None
    path: str
    deed: str
    fields: tuple[str, ...] = ()


class SyncReport(Struct, frozen=True, kw_only=True):
    """What a sync did, or would do.

    `pulled` are items of the board, `pushed` paths of the repository. Lists end after 500; counts
    count all.
    """

    outcome: SyncOutcome
    started_at: Instant
    finished_at: Instant
    commit_id: str | None = None
    error: str | None = None
    pulled_count: int = 0
    pushed_count: int = 0
    conflict_count: int = 0
    problem_count: int = 0
    pulled: tuple[ItemPulled, ...] = ()
    pushed: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    problems: tuple[Problem, ...] = ()

    def telling(
        self,
        pulled: Sequence[ItemPulled],
        pushed: Sequence[str],
        conflicts: Sequence[Conflict],
        problems: Sequence[Problem],
    ) -> Self:
        """Return it with what was done, as much of it as a report lists."""
        return structs.replace(
            self,
            pulled_count=len(pulled),
            pushed_count=len(pushed),
            conflict_count=len(conflicts),
            problem_count=len(problems),
            pulled=tuple(pulled[:told_max]),
            pushed=tuple(pushed[:told_max]),
            conflicts=tuple(conflicts[:told_max]),
            problems=tuple(problems[:told_max]),
        )


class GitBinding(Struct, frozen=True, kw_only=True):
    """A project's repository. `secret` is sealed; `due_at` says when a sync shall begin."""

    project_id: ProjectId
    url: str
    branch: str
    directory: str
    deletions: Deletions
    username: str
    secret: str | None
    key_id: str | None
    state: GitState
    request: SyncRequest | None
    due_at: Instant | None
    holder: str | None
    commit_id: str | None
    synced_at: Instant | None
    report: SyncReport | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str

    @property
    def secret_place(self) -> str:
        """Return what the sealed text is bound to."""
        return place_of(self.project_id)

    def asked(self, request: SyncRequest, at: Instant) -> Self:
        """Return it waiting for a sync; raises `GitSyncUnderWay`."""
        if self.state is not GitState.IDLE:
            raise GitSyncUnderWay
        return structs.replace(
            self, state=GitState.WAITING, request=request, due_at=at, version=self.version + 1
        )

    def taken(self, holder: str, until: Instant) -> Self:
        """Return it held by a process until then, when another one may take it."""
        return structs.replace(
            self, state=GitState.RUNNING, holder=holder, due_at=until, version=self.version + 1
        )

    def ended(self, report: SyncReport) -> Self:
        """Return it with what became of its sync."""
        is_done = report.outcome is SyncOutcome.DONE
        return structs.replace(
            self,
            state=GitState.IDLE,
            version=self.version + 1,
            request=None,
            due_at=None,
            holder=None,
            report=report,
            commit_id=report.commit_id if is_done else self.commit_id,
            synced_at=report.finished_at if is_done else self.synced_at,
        )

    def told(self) -> dict[str, object]:
        """Return what the audit log keeps: no credential."""
        return {
            "url": self.url,
            "branch": self.branch,
            "directory": self.directory,
            "deletions": self.deletions,
            "username": self.username,
            "has_secret": self.secret is not None,
            "version": self.version,
        }


class WantedBinding(Struct, frozen=True, kw_only=True):
    """What a caller gives to bind a project; `keeps_secret` where none was said."""

    url: str
    branch: str = "main"
    directory: str = ""
    deletions: Deletions = Deletions.ARCHIVE
    username: str = ""
    secret: str | None = None
    keeps_secret: bool = False

    def check(self) -> None:
        """Return when all of it can be used; raises `InvalidGitBinding`."""
        if not 0 < len(self.url) <= url_chars_max:
            raise InvalidGitBinding("url", f"It has 1 to {url_chars_max} characters.")
        if not _is_branch(self.branch):
            raise InvalidGitBinding("branch", "This is no name of a branch, such as main.")
        parts = self.directory.split("/") if self.directory else []
        if len(self.directory) > _name_chars_max or not all(map(_is_segment, parts)):
            raise InvalidGitBinding("directory", "Write it as names/with/slashes, or leave it out.")
        if len(self.username) > _name_chars_max or not _USERNAME.fullmatch(self.username):
            raise InvalidGitBinding("username", "It is ASCII, without blanks and colons.")
        if self.secret is not None and (
            len(self.secret) > url_chars_max or not _SECRET.fullmatch(self.secret)
        ):
            raise InvalidGitBinding("secret", "It is ASCII without blanks.")


def place_of(project_id: str) -> str:
    """Return what the sealed secret of a project's repository is bound to."""
    return f"project-git:{project_id}"


def _is_branch(name: str) -> bool:
    return (
        len(name) <= _name_chars_max
        and _BRANCH.fullmatch(name) is not None
        and ".." not in name
        and not any(part.endswith((".", ".lock")) for part in name.split("/"))
    )


def _is_segment(name: str) -> bool:
    return _SEGMENT.fullmatch(name) is not None and not name.endswith(".")
