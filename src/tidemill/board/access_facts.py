"""What is told of who may see a project and do what there; a part of the board's contract."""

from __future__ import annotations

from tidemill.board.contract import BoardFact, ProjectId, project_topic
from tidemill.core.facts import Topic, topic


class ProjectMemberFact(BoardFact, frozen=True, kw_only=True):
    """Base of what is told of a member of a project."""

    project_id: ProjectId
    member_id: str
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project and whom it is about."""
        return project_topic(self.project_id), topic("user", self.member_id)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id


class ProjectMemberSet(ProjectMemberFact, frozen=True, kw_only=True):
    """Somebody has a role in a project, or another one than before."""

    role: str


class ProjectMemberRemoved(ProjectMemberFact, frozen=True, kw_only=True):
    """Somebody has no role in a project any more, but for that in the tenant."""


class ProjectVisibilityChanged(BoardFact, frozen=True, kw_only=True):
    """A project can be seen by its whole tenant now, or by its members alone."""

    project_id: ProjectId
    visibility: str
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id
