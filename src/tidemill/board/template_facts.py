"""Facts about templates of work items, for those who follow the board."""

from __future__ import annotations

from tidemill.board.contract import BoardFact, ProjectId, project_topic
from tidemill.core.facts import Topic


class ItemTemplateFact(BoardFact, frozen=True, kw_only=True):
    """Base of the facts of templates."""

    template_id: str
    project_id: ProjectId | None
    name: str
    version: int
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project; who follows the tenant hears of templates for all projects."""
        return () if self.project_id is None else (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the template's id."""
        return self.template_id


class ItemTemplateCreated(ItemTemplateFact, frozen=True, kw_only=True):
    """A template was made."""


class ItemTemplateUpdated(ItemTemplateFact, frozen=True, kw_only=True):
    """A template changed: read it again."""


class ItemTemplateDeleted(ItemTemplateFact, frozen=True, kw_only=True):
    """A template was deleted; what was made of it stays."""
