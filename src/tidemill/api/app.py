"""The app factory: the same for production and for tests."""

from __future__ import annotations

import copy
import importlib.util
import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from msgspec import Struct

from tidemill import __version__
from tidemill.api import health
from tidemill.api.docs_page import DocsPage
from tidemill.api.edge import Edge, EdgeOptions, Observe
from tidemill.api.own_words import OwnWords
from tidemill.core.module import Offer
from tidemill.core.readiness import Checks
from tidemill.http.answers import Answer
from tidemill.http.authentication import SERVICES, Kit
from tidemill.http.errors import handle_error
from tidemill.http.injection import DEPENDENCIES
from tidemill.http.uploads import UPLOAD

_PREFIX: Final = "/api/v1"
_ROUTED_MAX: Final = 16
_PARAMETER: Final = re.compile(r"\\\{[^}]*\}")


class ApiOptions(Struct, frozen=True, kw_only=True):
    """What the factory needs of the configuration.

    `cors_origins` are exact origins; `trusted_proxies` are networks whose `X-Forwarded-For` is
    believed; `secure` says that the outside reaches us by TLS.
    """

    body_bytes_max: int
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    secure: bool = False


class Probes(Struct, frozen=True, kw_only=True):
    """What health and metrics report of this process."""

    checks: Checks
    optional: frozenset[str] = frozenset()
    render_metrics: Callable[[], bytes]
    observe: Observe


def create_app(
    offers: Sequence[Offer], kit: Kit, options: ApiOptions, probes: Probes
) -> tuple[Edge, Litestar]:
    """Return the ASGI application of everything that `offers` hold, and its routed inside."""
    probed = Offer(
        routes=list(health.ROUTES),
        dependencies={
            "health_checks": health.HealthChecks(probes.checks, probes.optional),
            "metrics_text": health.MetricsText(probes.render_metrics),
        },
    )
    litestar = create_litestar([probed, *offers], options)
    litestar.state[SERVICES] = kit
    edge = EdgeOptions(
        body_bytes_max=options.body_bytes_max,
        uploads=_uploads(offers),
        trusted_proxies=tuple(ipaddress.ip_network(net) for net in options.trusted_proxies),
        secure=options.secure,
        cors=litestar.cors_config,
    )
    return Edge(OwnWords(litestar), edge, probes.observe), litestar


def _uploads(offers: Sequence[Offer]) -> re.Pattern[str] | None:
    """Return what matches the paths of routes that take files."""
    paths = sorted(
        _PREFIX + path
        for offer in offers
        for route in offer.routes
        if route.opt.get(UPLOAD)
        for path in route.paths
    )
    patterns = [_PARAMETER.sub("[^/]+", re.escape(path)) for path in paths]
    return re.compile("|".join(patterns)) if patterns else None


def create_litestar(offers: Sequence[Offer], options: ApiOptions) -> Litestar:
    """Return the routed application inside the edge; OpenAPI is made from this."""
    services = {name: part for offer in offers for name, part in offer.dependencies.items()}
    routes = tuple(route for offer in offers for route in offer.routes)
    litestar = copy.copy(_routed(routes, options))
    litestar.state = State({DEPENDENCIES: services})
    return litestar


@lru_cache(maxsize=_ROUTED_MAX)
def _routed(routes: tuple[Any, ...], options: ApiOptions) -> Litestar:
    """Return an application without services.

    To read the routes takes a tenth of a second and more, and what comes of it is the same for
    all applications of a process; requests find services in the state of their own one.
    """
    rooted = [route for route in routes if route.opt.get("root")]
    versioned = [route for route in routes if not route.opt.get("root")]
    return Litestar(
        route_handlers=[
            *rooted,
            Router(_PREFIX, route_handlers=versioned),
            create_static_files_router(
                "/api/docs/assets",
                directories=[_swagger_assets()],
                include_in_schema=False,
            ),
        ],
        exception_handlers={Exception: handle_error},
        openapi_config=_openapi(),
        cors_config=_cors(options.cors_origins),
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=5, minimum_size=1024, exclude_opt_key="stream"
        ),
        request_max_body_size=options.body_bytes_max,
        response_class=Answer,
        logging_config=None,
    )


def _swagger_assets() -> Path:
    # Found, not imported: the package's own code is of no use here.
    spec = importlib.util.find_spec("swagger_ui")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("swagger_ui", name="swagger_ui")
    return Path(spec.origin).parent / "static"


def _openapi() -> OpenAPIConfig:
    assets = "/api/docs/assets"
    return OpenAPIConfig(
        title="Tidemill",
        version=__version__,
        path="/api/docs",
        use_handler_docstrings=True,
        render_plugins=[
            DocsPage(
                js_url=f"{assets}/swagger-ui-bundle.js",
                css_url=f"{assets}/swagger-ui.css",
                standalone_preset_js_url=f"{assets}/swagger-ui-standalone-preset.js",
                favicon=f'<link rel="icon" href="{assets}/favicon-32x32.png">',
            )
        ],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An access token (JWT) or an API token (tmk_…).",
                ),
                "session": SecurityScheme(
                    type="apiKey",
                    name="tm_session",
                    security_scheme_in="cookie",
                    description="A browser session; unsafe methods repeat the CSRF token.",
                ),
            }
        ),
    )


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_headers=[
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "last-event-id",
            "x-csrf-token",
            "x-request-id",
        ],
        allow_credentials="*" not in origins,
        expose_headers=[
            "etag",
            "ratelimit-limit",
            "ratelimit-remaining",
            "ratelimit-reset",
            "retry-after",
            "x-request-id",
        ],
    )
