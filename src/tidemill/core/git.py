"""Repositories of git that people name, as features read and write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from msgspec import Struct

from tidemill.core.module import Port


class GitFailed(Exception):
    """A repository cannot be read or written; a sentence says why to whoever named it."""


class GitOutrun(GitFailed):
    """Somebody else wrote the branch since it was read: read it again."""


class GitPlace(Struct, frozen=True, kw_only=True):
    """A branch of a repository; `secret` is a password or token, sent as that of `username`."""

    url: str
    branch: str
    username: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"GitPlace({self.branch!r})"


class GitCommit(Struct, frozen=True, kw_only=True):
    """A change of files in somebody's name: their new content by path, and paths that go."""

    name: str
    address: str
    message: str
    writes: Mapping[str, bytes] = {}
    removes: Sequence[str] = ()


class GitSnapshot(Struct, frozen=True, kw_only=True):
    """The files below a directory at a commit, None for a branch that is not there yet.

    `refused` are paths that are no plain files, or too large, each with a sentence that says so.
    """

    commit: str | None
    files: Mapping[str, bytes]
    refused: Mapping[str, str]


class GitCopy(Protocol):
    """A branch as it was read; nothing of it is ever checked out or run."""

    async def snapshot(self, directory: str) -> GitSnapshot:
        """Return the files below `directory`, '' for all; raises `GitFailed`."""
        ...

    async def push(self, commits: Sequence[GitCommit]) -> str:
        """Add commits to the branch, and return the id of the last.

        Raises `GitOutrun` when the branch is no more as it was read, and `GitFailed`.
        """
        ...


class GitRepositories(Protocol):
    """Reads public repositories, and what the operator allows besides; bounded in size and time."""

    def refusal(self, url: str) -> str | None:
        """Return why `url` is never read, as far as it shows without asking anybody."""
        ...

    def copy(self, place: GitPlace) -> AbstractAsyncContextManager[GitCopy]:
        """Read a branch, and forget it at the end; raises `GitFailed`."""
        ...


GIT: Final[Port[GitRepositories]] = Port("git")
