"""How the models of a tenant look in OpenAI's dialect."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import View
from tidemill.llm.aliases.models import Alias


class ModelView(View, frozen=True, kw_only=True):
    """A model that can be asked for, as `GET /v1/models` of OpenAI shows it."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "tidemill"

    @classmethod
    def of(cls, alias: Alias) -> Self:
        """Return the view of `alias`."""
        return cls(id=alias.name, created=alias.created_at // MICROSECONDS_PER_SECOND)


class ModelListView(View, frozen=True, kw_only=True):
    """All models that can be asked for."""

    object: str = "list"
    data: list[ModelView]
