"""Errors of Anthropic's dialect, as the documentation shows them."""

from __future__ import annotations

from tidemill.http import View


class AnthropicErrorDetail(View, frozen=True, kw_only=True):
    """What went wrong."""

    type: str
    message: str


class AnthropicErrorBody(View, frozen=True, kw_only=True):
    """The body of an answer that is no success; our code stands in `x-tidemill-error-code`."""

    type: str
    error: AnthropicErrorDetail
