"""How the models of a tenant look in Ollama's dialect."""

from __future__ import annotations

from typing import Any, Self

from msgspec import field

from tidemill.core.clock import rfc3339
from tidemill.http import Body, View
from tidemill.llm.aliases.models import Alias


class ShowOllamaModel(Body, frozen=True, kw_only=True):
    """Which model shall be shown. Clients send either name; `verbose` changes nothing here."""

    model: str = ""
    name: str = ""
    verbose: bool = False


class OllamaModelView(View, frozen=True, kw_only=True):
    """A model that can be asked for, as `GET /api/tags` of Ollama shows it; it has no file here."""

    name: str
    model: str
    modified_at: str
    size: int = 0
    digest: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, alias: Alias) -> Self:
        """Return the view of `alias`."""
        return cls(name=alias.name, model=alias.name, modified_at=rfc3339(alias.updated_at))


class OllamaModelListView(View, frozen=True, kw_only=True):
    """All models that can be asked for, or that are loaded."""

    models: list[OllamaModelView]


class OllamaModelDetail(View, frozen=True, kw_only=True):
    """What `POST /api/show` tells of a model."""

    modified_at: str
    parameters: str
    capabilities: list[str]
    details: dict[str, Any] = field(default_factory=dict)
    model_info: dict[str, Any] = field(default_factory=dict)


class OllamaVersion(View, frozen=True, kw_only=True):
    """What clients ask for to know what a server can do."""

    version: str
