"""What is told of projects in repositories of git; a part of the board's contract."""

from __future__ import annotations

from tidemill.board.contract import BoardFact, ProjectId, project_topic
from tidemill.core.facts import Topic


class ProjectGitFact(BoardFact, frozen=True, kw_only=True):
    """Base of them."""

    project_id: ProjectId
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id


class ProjectGitBound(ProjectGitFact, frozen=True, kw_only=True):
    """A project was bound to a repository, or to another one."""


class ProjectGitUnbound(ProjectGitFact, frozen=True, kw_only=True):
    """A project is bound to its repository no longer."""


class ProjectGitSynced(ProjectGitFact, frozen=True, kw_only=True):
    """A sync has ended, maybe without success: read its report."""

    outcome: str
    commit_id: str | None
    pulled: int
    pushed: int
    conflicts: int
    problems: int
