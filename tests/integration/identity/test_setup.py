from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.fixtures.identity import (
    OWNER_EMAIL,
    PASSWORD,
    IdentityWorld,
    identity_world,
)
from tests.fixtures.stores import StoresKind
from tidemill.core.config import ConfigRefused
from tidemill.core.config.sections.people import Owner

pytestmark = pytest.mark.anyio

FORM = {"name": "Ada", "email": OWNER_EMAIL, "password": PASSWORD, "tenant_name": "Tide works"}


@pytest.fixture(params=["sqlite", "schema"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    kind: StoresKind = request.param
    async with identity_world(tmp_path, kind) as world:
        yield world


async def _ticket(world: IdentityWorld) -> str:
    link = await world.setup.link()
    assert link is not None
    return link.partition("ticket=")[2]


async def _redeem(
    world: IdentityWorld, ticket: str, address: str = "127.0.0.1", **form: str
) -> httpx.Response:
    async with world.client(address) as client:
        return await client.post("/setup", data={**FORM, "ticket": ticket, **form})


async def test_setup_integration_makes_the_owner_its_tenant_and_a_session(
    world: IdentityWorld,
) -> None:
    ticket = await _ticket(world)
    async with world.client() as client:
        page = await client.get("/setup", params={"ticket": ticket})
        done = await client.post("/setup", data={**FORM, "ticket": ticket})
        me = (await client.get("/api/v1/auth/me")).json()
        again = await client.post("/setup", data={**FORM, "ticket": ticket})

    assert page.status_code == 200
    assert 'name="tenant_name"' in page.text
    assert done.status_code == 200, done.text
    assert (me["role"], me["tenant"]["slug"]) == ("owner", "tide-works")
    assert (again.status_code, "<form" in again.text) == (404, False), "its ticket is dead"
    assert "tidemill login" in again.text
    assert await world.setup.link() is None, "there is an owner, so there is no link"
    assert "identity.owners.create" in await world.audit_actions()
    assert (await world.facts(me["tenant"]["id"]))[:2] == ["TenantCreated", "MemberAdded"]


async def test_setup_integration_leads_a_browser_to_the_link_and_then_to_the_docs(
    world: IdentityWorld,
) -> None:
    missed = asyncio.create_task(world.setup.link_missed())
    async with world.client("192.0.2.1") as client:
        stranger = await client.get("/setup")
    waited = not missed.done()
    async with world.client() as client:
        first = await client.get("/")
        page = await client.get("/setup")
        await asyncio.wait_for(missed, 60)
        await client.post("/setup", data={**FORM, "ticket": await _ticket(world)})
        later = await client.get("/")
        closed = await client.get("/setup")

    assert (first.status_code, first.headers["location"]) == (302, "/setup")
    assert (page.status_code, "printed again" in page.text) == (200, True)
    assert (stranger.status_code, waited) == (403, True), "a stranger makes nothing be printed"
    assert (later.status_code, later.headers["location"]) == (302, "/api/docs")
    assert (closed.status_code, "has an owner already" in closed.text) == (409, True)


async def test_setup_integration_pages_run_no_script_and_leak_no_link(
    world: IdentityWorld,
) -> None:
    """D3: the page has a policy without exceptions, and other sites never learn its address."""
    async with world.client() as client:
        page = await client.get("/setup", params={"ticket": '"><script>alert(1)</script>'})

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "same-origin"
    assert "<script" not in page.text


async def test_setup_integration_takes_the_form_of_its_own_page_only(world: IdentityWorld) -> None:
    ticket = await _ticket(world)

    async with world.client() as client:
        own = str(client.base_url).rstrip("/")
        foreign = await client.post(
            "/setup",
            data={**FORM, "ticket": ticket},
            headers={"Origin": "https://elsewhere.example"},
        )
        done = await client.post("/setup", data={**FORM, "ticket": ticket}, headers={"Origin": own})

    assert foreign.status_code == 403
    assert foreign.headers["content-type"] == "text/html; charset=utf-8", "a page, for a person"
    assert "<h1>" in foreign.text
    assert done.status_code == 200, done.text


async def test_setup_integration_refuses_other_machines_expired_and_mistyped_tickets(
    world: IdentityWorld,
) -> None:
    ticket = await _ticket(world)

    remote = await _redeem(world, ticket, "192.0.2.1")
    proxied_client = world.client("192.0.2.1", **{"X-Forwarded-For": "127.0.0.1"})
    async with proxied_client as client:
        proxied = await client.get("/setup", params={"ticket": ticket})
    mistyped = await _redeem(world, ticket[:-1] + "!")
    world.clock.advance(31 * 60)
    expired = await _redeem(world, ticket)

    statuses = [a.status_code for a in (remote, proxied, mistyped, expired)]
    assert statuses == [403, 403, 404, 404]


async def test_setup_integration_keeps_the_ticket_when_the_form_is_wrong(
    world: IdentityWorld,
) -> None:
    ticket = await _ticket(world)

    weak = await _redeem(world, ticket, password="password1")
    nameless = await _redeem(world, ticket, name=" ")
    done = await _redeem(world, ticket)

    assert (weak.status_code, nameless.status_code, done.status_code) == (422, 400, 200)
    assert 'role="alert"' in weak.text
    assert "password1" not in weak.text


async def test_setup_integration_answers_json_in_json(world: IdentityWorld) -> None:
    async with world.client() as client:
        answer = await client.post("/setup", json=FORM)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_FAILED"


@pytest.mark.each_database(reason="transactions race")
async def test_setup_integration_makes_one_owner_of_many_at_once(world: IdentityWorld) -> None:
    tickets = [await _ticket(world), await _ticket(world)]
    statuses: list[int] = []

    async def redeem(number: int) -> None:
        answer = await _redeem(world, tickets[number % 2], email=f"u{number}@example.org")
        statuses.append(answer.status_code)

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(redeem, number)

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 404, 409}


async def test_setup_integration_takes_the_owner_of_the_configuration_once(
    tmp_path: Path,
) -> None:
    owner = Owner(email=OWNER_EMAIL, password=PASSWORD)
    async with identity_world(tmp_path, owner=owner) as world:
        assert (await world.log_in()).status_code == 200
        assert await world.setup.link() is None
    other = Owner(email="other@example.org", password=PASSWORD)
    async with identity_world(tmp_path, owner=other) as world:
        assert (await world.log_in()).status_code == 200
        assert (await world.log_in("other@example.org")).status_code == 401


async def test_setup_integration_refuses_a_configuration_whose_owner_cannot_be(
    tmp_path: Path,
) -> None:
    owner = Owner(email=OWNER_EMAIL, password="password")
    with pytest.raises(ConfigRefused, match=r"owner\.password"):
        async with identity_world(tmp_path, owner=owner):
            pytest.fail("it has started")
