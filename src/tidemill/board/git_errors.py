"""Failures of projects in repositories of git."""

from __future__ import annotations

from tidemill.core.errors import Conflict, InvalidInput, NotFound


class InvalidGitBinding(InvalidInput):
    """A project cannot be bound to a repository so."""

    code = "INVALID_GIT_BINDING"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(f"{param}: {problem}", param=param)


class GitNotBound(NotFound):
    """The project is bound to no repository."""

    code = "GIT_NOT_BOUND"

    def __init__(self) -> None:
        super().__init__("The project is bound to no repository. An owner binds it with PUT …/git.")


class GitSyncUnderWay(Conflict):
    """A sync of the project waits or runs already."""

    code = "GIT_SYNC_UNDER_WAY"

    def __init__(self) -> None:
        super().__init__("A sync is under way. Ask again when GET …/git says idle.")


class UnreadableFile(InvalidInput):
    """A file of a repository says no item, or a field that no item has; a sync reports it."""

    code = "GIT_FILE_UNREADABLE"
