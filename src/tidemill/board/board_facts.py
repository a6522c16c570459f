"""What is told of the settings of boards; a part of the board's contract."""

from __future__ import annotations

from tidemill.board.contract import BoardFact, ProjectId, project_topic
from tidemill.core.facts import Topic


class BoardSettingsChanged(BoardFact, frozen=True, kw_only=True):
    """Columns, lanes or limits of a project's board changed: read the board again."""

    project_id: ProjectId
    version: int
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id
