"""Quick add in the whole application, which knows addresses and time zones of people."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import httpx
import pytest

from tests.fixtures.app import OWNER_PASSWORD, App, make_app

pytestmark = pytest.mark.anyio

API = "/api/v1"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("quick")) as app:
        made = await app.owner.post(f"{API}/projects", json={"key": "TM", "name": "Tide"})
        assert made.status_code == 201, made.text
        yield app


async def _a_member(app: App, name: str) -> httpx.AsyncClient:
    email = f"{name}@example.org"
    invited = await app.owner.post(f"{API}/invitations", json={"email": email, "role": "member"})
    person = {"token": invited.json()["token"], "email": email, "name": name.title()}
    joined = await app.anonymous.post(
        f"{API}/auth/registrations", json={**person, "password": OWNER_PASSWORD}
    )
    assert joined.status_code == 201, joined.text
    return await app.log_in(email, OWNER_PASSWORD)


async def _preview(client: httpx.AsyncClient, text: str) -> httpx.Response:
    body = {"text": text, "project_id": "TM"}
    return await client.post(f"{API}/work-items/quick/previews", json=body)


async def test_quick_add_finds_members_by_the_address_that_one_may_see(app: App) -> None:
    eve = await _a_member(app, "eve")
    bob = await _a_member(app, "bob")
    hidden = await bob.patch(f"{API}/auth/me", json={"visibility": "private"})
    assert hidden.status_code == 200, hidden.text

    # The board hears of members by their facts.
    with anyio.fail_after(60):
        while (found := await _preview(app.owner, "x @bob@example.org")).status_code != 200:  # noqa: ASYNC110
            await anyio.sleep(0.02)
        while (own := await _preview(eve, "x @EVE@example.org")).status_code != 200:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    refused = await _preview(eve, "x @bob@example.org")

    assert found.json()["assignee"]["name"] == "Bob"
    assert own.json()["assignee"]["name"] == "Eve"
    assert refused.status_code == 400
    assert "There is no member bob@example.org." in refused.json()["error"]["message"]


async def test_quick_add_takes_days_of_ones_own_time_zone(app: App) -> None:
    kim = await _a_member(app, "kim")

    async def today_in(zone: str) -> str:
        changed = await kim.patch(f"{API}/auth/me", json={"time_zone": zone})
        assert changed.status_code == 200, changed.text
        return str((await _preview(kim, "x ^today")).json()["due_date"])

    # These two never have the same date.
    assert await today_in("Pacific/Kiritimati") > await today_in("Pacific/Niue")
