"""What is told of projects that came from documents; a part of the board's contract."""

from __future__ import annotations

from tidemill.board.contract import BoardFact, ProjectId, project_topic
from tidemill.core.facts import Topic


class ProjectImported(BoardFact, frozen=True, kw_only=True):
    """A project came whole from a document, with so many items: read it.

    No other fact tells of its items, sprints, comments, time and files: they are old.
    """

    project_id: ProjectId
    key: str
    items: int
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id
