"""The page about the API: it lets people try each route, as whom their browser is logged in."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request
from litestar.openapi.plugins import SwaggerRenderPlugin

_PLACE: Final = b"deepLinking: true,"
# All operations at once would keep the page blank for seconds: a section opens by a click.
_CLOSED: Final = b"""docExpansion: "none",
                  """
_MADE: Final = b"const ui = SwaggerUIBundle({"
# For each thing that is opened, Swagger reads the whole document, which takes seconds: it is given
# the part that holds this thing, and what that refers to.
_PART_OF: Final = rb"""function partOf(whole, place) {
                  const part = {...whole, paths: {}, components: {}};
                  const open = [place.slice(0, place[0] === "paths" ? 2 : 3)];
                  const known = new Set();
                  while (open.length) {
                    const keys = open.pop();
                    const value = keys.reduce((inner, key) => inner?.[key], whole);
                    if (value === undefined || known.has(keys.join("/"))) continue;
                    known.add(keys.join("/"));
                    const above = keys.slice(0, -1);
                    above.reduce((inner, key) => inner[key] ??= {}, part)[keys.at(-1)] = value;
                    for (const [, name] of JSON.stringify(value).matchAll(/"#\/([^"]+)"/g))
                      open.push(name.split("/").slice(0, 3));
                  }
                  return part;
                }
                """
_IN_PARTS: Final = b"""plugins: [({ fn }) => {
                    const resolve = fn.resolveSubtree;
                    const inPart = (whole, place, ...more) =>
                      resolve(partOf(whole, place), place, ...more);
                    return { fn: { resolveSubtree: inPart } };
                  }],
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
    """Swagger's page, which reads what is opened, and carries the CSRF token of a session."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        page = super().render(request, openapi_schema)
        page = page.replace(_MADE, _PART_OF + _MADE, 1)
        return page.replace(_PLACE, _CLOSED + _IN_PARTS + _WITH_CSRF_TOKEN + _PLACE, 1)
