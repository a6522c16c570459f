"""The page about the API: it lets people try each route, as whom their browser is logged in."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request
from litestar.openapi.plugins import SwaggerRenderPlugin

_PLACE: Final = b"deepLinking: true,"
# All operations at once would keep the page blank for seconds: a section opens by a click.
_CLOSED: Final = b"""docExpansion: "none",
                  """
# A session changes something only with its CSRF token, which is not in a cookie.
_WITH_CSRF_TOKEN: Final = b"""requestInterceptor: async (request) => {
                    const reads = ["GET", "HEAD", "OPTIONS"].includes(request.method.toUpperCase());
                    if (!reads && !request.headers.Authorization) {
                      const me = await fetch("/api/v1/auth/me");
                      const token = me.ok ? (await me.json()).csrf_token : null;
                      if (token) request.headers["x-csrf-token"] = token;
                    }
                    return request;
                  },
                  """


class DocsPage(SwaggerRenderPlugin):
    """Swagger's page with closed sections, whose requests by a session carry its CSRF token."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        page = super().render(request, openapi_schema)
        return page.replace(_PLACE, _CLOSED + _WITH_CSRF_TOKEN + _PLACE, 1)
