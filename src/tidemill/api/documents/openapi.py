"""The description of the HTTP API, taken from the application itself."""

from __future__ import annotations

import asyncio
import json
import tempfile

from litestar import Litestar
from msgspec import structs

from tidemill.api.application import open_application
from tidemill.core.config import Config
from tidemill.core.config.sections.people import Auth
from tidemill.core.config.sections.serving import Server
from tidemill.core.config.sections.storing import Audit, Secrets


def openapi_document() -> str:
    """Return OpenAPI 3.1 as indented JSON, in the order of the paths."""
    return asyncio.run(_document())


async def _document() -> str:
    with tempfile.TemporaryDirectory() as directory:
        # The keys sign nothing that leaves this function.
        config = structs.replace(
            Config(),
            server=Server(data_dir=directory),
            auth=Auth(jwt_secret="-" * 48),
            audit=Audit(chain_key="-" * 48),
            secrets=Secrets(master_key="-" * 48),
        )
        async with open_application(config) as application:
            return described(application.litestar)


def described(litestar: Litestar) -> str:
    """Return the document of a routed application."""
    schema = litestar.openapi_schema.to_schema()
    schema["paths"] = dict(sorted(schema["paths"].items()))
    schema["components"]["schemas"] = dict(sorted(schema["components"]["schemas"].items()))
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
