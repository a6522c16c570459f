"""Every failure of folders."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.errors import Conflict, Forbidden, NotFound, RuleViolation


class FolderInvalid(RuleViolation):
    """A field of a folder cannot hold."""

    code = "FOLDER_INVALID"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}", param=param)


class FolderNotFound(NotFound):
    """There is no such folder for this tenant."""

    code = "FOLDER_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no folder {name[:100]!r}.", param="name")


class FolderInUse(Conflict):
    """A folder still has something in it, which would be open to everybody without it."""

    code = "FOLDER_IN_USE"

    def __init__(self, name: str, paths: Sequence[str]) -> None:
        super().__init__(
            f"The folder {name} has {', '.join(paths)} in it, which all members could use without "
            "it. Delete or move these first."
        )


class FolderDenied(Forbidden):
    """The folder of a thing, or its owner, does not let the actor do this."""

    code = "FOLDER_DENIED"

    def __init__(self, path: str, place: str, level: str) -> None:
        super().__init__(
            f"{path} needs the right '{level}' in {place}. Ask one of its owners, or an admin."
        )


def named(paths: Sequence[str], hidden: int) -> str:
    """Return the paths, and how many there are that the reader may not see."""
    return ", ".join([*paths, *([f"{hidden} in folders closed to you"] if hidden else [])])
