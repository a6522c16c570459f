"""Every failure of comments."""

from __future__ import annotations

from collections.abc import Iterable

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, Forbidden, InvalidInput, NotFound


class CommentNotFound(NotFound):
    """There is no such comment for this tenant, or it was deleted."""

    code = "COMMENT_NOT_FOUND"

    def __init__(self, reference: str, *, param: str | None = None) -> None:
        super().__init__(f"There is no comment {shown(reference)}.", param=param)


class CommentElsewhere(InvalidInput):
    """A reply belongs to the item of the comment that it answers."""

    code = "COMMENT_ELSEWHERE"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"The comment {shown(reference)} belongs to another item. Answer it there.",
            param="parent_id",
        )


class CommentChanged(Conflict):
    """Somebody changed the comment since the version that the body expects."""

    code = "COMMENT_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class NotYourComment(Forbidden):
    """Only its author edits a comment; its author or an admin deletes it."""

    code = "NOT_YOUR_COMMENT"

    def __init__(self, may: str) -> None:
        super().__init__(f"Somebody else wrote this comment: {may}.")


class UnknownReaction(InvalidInput):
    """One reacts with one of a few emoji."""

    code = "UNKNOWN_REACTION"

    def __init__(self, emoji: str, known: Iterable[str]) -> None:
        super().__init__(
            f"{shown(emoji)} is no reaction. Use one of: {' '.join(known)}.", param="emoji"
        )
