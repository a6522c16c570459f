"""Bodies of rows."""

from __future__ import annotations

from typing import Any

from tidemill.http import PageView


class RowPage(PageView, frozen=True, kw_only=True):
    """A part of a query's rows, in their order; each is an object by column."""

    items: list[dict[str, Any]]
