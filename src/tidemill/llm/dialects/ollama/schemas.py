"""Errors of Ollama's dialect, as the documentation shows them."""

from __future__ import annotations

from tidemill.http import View


class OllamaErrorBody(View, frozen=True, kw_only=True):
    """The body of an answer that is no success; our code stands in `x-tidemill-error-code`."""

    error: str
