"""The board over HTTP: the app factory, real stores, and an authenticator that knows roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld, make_board
from tidemill.api.app import ApiOptions, Probes, create_app
from tidemill.board.module import build
from tidemill.core.actor import Actor, Origin, Role
from tidemill.core.config import Config
from tidemill.core.ids import UserId
from tidemill.core.module import Parts
from tidemill.core.ports import RateLimiter
from tidemill.http import SessionActor
from tidemill.http.authentication import Kit

API = "/api/v1"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with make_board("sqlite", tmp_path) as board:
        yield board


class _DefaultSettings:
    async def get_for(self, key: str, actor: Actor) -> object:
        del actor
        section, name = key.split(".")
        return getattr(getattr(Config(), section), name)


class _Authenticator:
    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    async def bearer(self, token: str, origin: Origin) -> Actor:
        # Whoever only views, and `stranger`, are people who made nothing here.
        if token == "stranger":
            return structs.replace(_another(self._actor, token), origin=origin)
        actor = _another(self._actor, token) if token == Role.VIEWER else self._actor
        return structs.replace(actor, role=Role(token), origin=origin)

    async def session(self, cookie: str, origin: Origin) -> SessionActor:
        raise NotImplementedError

    async def still_valid(self, actor: Actor) -> bool:
        return True


def _another(actor: Actor, name: str) -> Actor:
    return structs.replace(actor, id=name, user_id=UserId(name))


@pytest.fixture
async def client(world: BoardWorld) -> AsyncIterator[httpx.AsyncClient]:
    parts = SimpleNamespace(
        tenants=world.stores.tenants,
        clock=world.clock,
        config=Config(),
        get=lambda _: _DefaultSettings(),
        late=lambda _: lambda: None,
    )
    offer = build(cast("Parts", parts))
    kit = Kit(
        authenticator=_Authenticator(world.actor),
        rate_limiter=cast("RateLimiter", None),
        requests_per_minute=lambda: 0,
        allowed_origins=frozenset(),
    )
    probes = Probes(checks={}, render_metrics=lambda: b"", observe=lambda *_: None)
    app, _ = create_app([offer], kit, ApiOptions(body_bytes_max=20_000_000), probes)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=cast("Any", app)),
        base_url="http://tidemill.test" + API,
        headers={"Authorization": "Bearer member"},
    ) as client:
        made = await client.post("/projects", json={"key": "TM", "name": "Tide"})
        assert made.status_code == 201
        yield client
