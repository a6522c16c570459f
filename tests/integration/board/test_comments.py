"""Comments over HTTP: the whole application, with people of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from msgspec import Struct

from tests.fixtures.app import App, error, make_app
from tidemill.core.config.sections.serving import Limits

pytestmark = pytest.mark.anyio

API: Final = "/api/v1"
_PASSWORD: Final = "a long Passw0rd of a member"


class Crew(Struct, frozen=True):
    """The owner of a tenant, and others in it."""

    owner: httpx.AsyncClient
    ada: httpx.AsyncClient
    bob: httpx.AsyncClient
    viewer: httpx.AsyncClient
    ada_id: str


@pytest.fixture(scope="module")
async def crew(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crew]:
    limits = Limits(requests_per_minute=0, logins_per_minute=0)
    async with make_app(tmp_path_factory.mktemp("comments"), limits=limits) as app:
        await _made(app.owner, "projects", key="TM", name="Tide")
        ada, ada_id = await _join(app, "Ada Lovelace", "member")
        bob, _ = await _join(app, "Bob Noyce", "member")
        viewer, _ = await _join(app, "Vera", "viewer")
        yield Crew(app.owner, ada, bob, viewer, ada_id)


@pytest.fixture
async def item(crew: Crew) -> str:
    """Return the key of a new item."""
    made = await _made(crew.ada, "work-items", project_id="TM", item_type="task", title="Sail")
    return str(made["key"])


async def _join(app: App, name: str, role: str) -> tuple[httpx.AsyncClient, str]:
    email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    invited = await _made(app.owner, "invitations", email=email, role=role)
    body = {"token": invited["token"], "email": email, "name": name, "password": _PASSWORD}
    joined = await app.anonymous.post(f"{API}/auth/registrations", json=body)
    assert joined.status_code == 201, joined.text
    return app.client(joined.json()["access_token"]), joined.json()["user_id"]


async def _made(client: httpx.AsyncClient, things: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{API}/{things}", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _say(client: httpx.AsyncClient, item: str, content: str, **more: Any) -> dict[str, Any]:
    return await _made(client, f"work-items/{item}/comments", content=content, **more)


async def test_comments_are_written_answered_and_read(crew: Crew, item: str) -> None:
    """R030, R033: `/work-items/{id}/comments` GET and POST, and the group `/comments`."""
    said = await _say(crew.bob, item, "Looks **good**, @ada.")
    answered = await _say(crew.ada, item, "Thanks", parent_id=said["id"])
    url = f"{API}/work-items/{item}/comments"
    listed = (await crew.viewer.get(url)).json()
    first = (await crew.viewer.get(url, params={"limit": 1})).json()
    rest = (await crew.viewer.get(url, params={"cursor": first["next_cursor"]})).json()
    newest = (await crew.viewer.get(url, params={"sort": "newest"})).json()
    mixed = await crew.viewer.get(url, params={"sort": "newest", "cursor": first["next_cursor"]})

    assert said["content"] == "Looks **good**, @ada."
    assert said["content_html"] == (
        "<p>Looks <strong>good</strong>, "
        f'<span class="mention" data-user-id="{crew.ada_id}">@ada</span>.</p>\n'
    )
    assert said["mentions"] == [crew.ada_id]
    assert said["author"]["name"] == "Bob Noyce"
    assert (said["version"], said["edited_at"], said["deleted_at"]) == (1, None, None)
    assert answered["parent_id"] == said["id"]
    assert [one["id"] for one in listed["items"]] == [said["id"], answered["id"]]
    assert [one["id"] for one in first["items"] + rest["items"]] == [said["id"], answered["id"]]
    assert [one["id"] for one in newest["items"]] == [answered["id"], said["id"]]
    assert listed["items"][0]["reply_count"] == 1
    assert error(mixed) == (400, "INVALID_CURSOR", "cursor")


async def test_comments_are_edited_by_version_and_keep_their_history(crew: Crew, item: str) -> None:
    said = await _say(crew.ada, item, "one")
    url = f"{API}/comments/{said['id']}"

    edited = await crew.ada.patch(url, json={"content": "two"}, headers={"If-Match": '"v1"'})
    late = await crew.ada.patch(url, json={"content": "x"}, headers={"If-Match": '"v1"'})
    stale = await crew.ada.patch(url, json={"content": "x", "expected_version": 1})
    history = (await crew.viewer.get(f"{url}/history")).json()
    tag = edited.headers["etag"]
    known = await crew.ada.get(url, headers={"If-None-Match": tag})
    again = await crew.ada.patch(url, json={"content": "three"}, headers={"If-Match": tag})

    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    assert edited.json()["edited_at"] is not None
    assert error(late) == (412, "VERSION_CHANGED", None)
    assert error(stale) == (409, "COMMENT_CHANGED", "expected_version")
    assert late.headers["etag"] == stale.headers["etag"] == '"v2"'
    [earlier] = history["items"]
    assert (earlier["version"], earlier["content"]) == (1, "one")
    assert (earlier["written_at"], earlier["written_by"]) == (said["created_at"], crew.ada_id)
    assert known.status_code == 304
    assert again.status_code == 200


async def test_comments_are_written_by_members_edited_by_authors_and_deleted_by_admins(
    crew: Crew, item: str
) -> None:
    said = await _say(crew.ada, item, "mine")
    answer = await _say(crew.bob, item, "yours", parent_id=said["id"])
    url = f"{API}/comments/{said['id']}"

    refused = [
        await crew.bob.patch(url, json={"content": "x"}),
        await crew.owner.patch(url, json={"content": "x"}),
        await crew.bob.delete(url),
    ]
    denied = [
        await crew.viewer.post(f"{API}/work-items/{item}/comments", json={"content": "x"}),
        await crew.viewer.put(f"{url}/reactions/{quote('👍')}"),
    ]
    gone = await crew.owner.delete(url, headers={"If-Match": '"v1"'})
    place = (await crew.bob.get(url)).json()
    history = await crew.bob.get(f"{url}/history")
    last = await crew.bob.delete(f"{API}/comments/{answer['id']}")

    assert [error(one)[:2] for one in refused] == [(403, "NOT_YOUR_COMMENT")] * 3
    assert [error(one)[:2] for one in denied] == [(403, "PROJECT_ROLE_NEEDED")] * 2
    assert (gone.status_code, last.status_code) == (204, 204)
    assert (place["content"], place["content_html"], place["mentions"]) == (None, None, [])
    assert place["deleted_at"] is not None
    assert error(history) == (404, "COMMENT_NOT_FOUND", None)
    assert error(await crew.bob.get(url)) == (404, "COMMENT_NOT_FOUND", None)


async def test_reactions_count_each_person_once(crew: Crew, item: str) -> None:
    said = await _say(crew.ada, item, "Done")
    url = f"{API}/comments/{said['id']}"
    tag = (await crew.ada.get(url)).headers["etag"]

    for client in (crew.ada, crew.bob, crew.bob):
        put = await client.put(f"{url}/reactions/{quote('🎉')}")
        assert put.status_code == 200, put.text
    seen = await crew.ada.get(url, headers={"If-None-Match": tag})
    for _ in range(2):
        assert (await crew.bob.delete(f"{url}/reactions/{quote('🎉')}")).status_code == 204
    unknown = await crew.ada.put(f"{url}/reactions/{quote('🦭')}")

    assert seen.status_code == 200, "a reaction makes no version, and hides behind no 304"
    assert seen.json()["version"] == 1
    assert seen.json()["reactions"] == [{"emoji": "🎉", "count": 2, "is_mine": True}]
    assert (await crew.bob.get(url)).json()["reactions"] == [
        {"emoji": "🎉", "count": 1, "is_mine": False}
    ]
    assert error(unknown) == (400, "UNKNOWN_REACTION", "emoji")


async def test_create_comment_with_an_idempotency_key_happens_once(crew: Crew, item: str) -> None:
    url, headers = f"{API}/work-items/{item}/comments", {"Idempotency-Key": "once"}

    first = await crew.ada.post(url, json={"content": "Once"}, headers=headers)
    again = await crew.ada.post(url, json={"content": "Once"}, headers=headers)
    other = await crew.ada.post(url, json={"content": "Two"}, headers=headers)
    edits = [
        await crew.ada.patch(
            f"{API}/comments/{first.json()['id']}",
            json={"content": "Thrice"},
            headers={"Idempotency-Key": "edit"},
        )
        for _ in range(2)
    ]

    assert first.json() == again.json()
    assert first.headers["etag"] == again.headers["etag"]
    assert error(other)[1] == "IDEMPOTENCY_KEY_REUSED"
    assert [one.json()["version"] for one in edits] == [2, 2]
    assert len((await crew.ada.get(url)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({}, 400, "VALIDATION_FAILED", "content"),
        ({"content": None}, 400, "VALIDATION_FAILED", "content"),
        ({"content": ""}, 400, "VALIDATION_FAILED", "content"),
        ({"content": " \n"}, 400, "INVALID_TEXT", "content"),
        ({"content": "a\0b"}, 400, "VALIDATION_FAILED", "content"),
        ({"content": "x" * 5_001}, 400, "INVALID_TEXT", "content"),
        ({"content": "x", "parent_id": "TM-1"}, 404, "COMMENT_NOT_FOUND", "parent_id"),
        ({"content": "x", "author": "me"}, 400, "VALIDATION_FAILED", "author"),
    ],
)
async def test_create_comment_says_what_is_wrong_and_where(
    crew: Crew, item: str, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = await crew.ada.post(f"{API}/work-items/{item}/comments", json=body)

    assert error(answer) == (status, code, param)


async def test_create_comment_refuses_a_reply_below_another_item(crew: Crew, item: str) -> None:
    said = await _say(crew.ada, item, "Here")
    other = await _made(crew.ada, "work-items", project_id="TM", item_type="task", title="Row")

    answer = await crew.ada.post(
        f"{API}/work-items/{other['id']}/comments", json={"content": "x", "parent_id": said["id"]}
    )

    assert error(answer) == (400, "COMMENT_ELSEWHERE", "parent_id")


async def test_activity_of_an_item_tells_of_comments_latest_first(crew: Crew, item: str) -> None:
    said = await _say(crew.ada, item, "one")
    await crew.ada.patch(f"{API}/work-items/{item}", json={"status": "todo"})
    await crew.ada.patch(f"{API}/comments/{said['id']}", json={"content": "two"})

    activity = (await crew.viewer.get(f"{API}/work-items/{item}/activity")).json()["items"]

    assert [(one["action"], one["field"], one["version"]) for one in activity] == [
        ("comment_edited", "comment", 2),
        ("updated", "status", 2),
        ("commented", "comment", 1),
        ("created", None, 1),
    ]
    assert activity[0]["new_value"] == said["id"]


async def test_get_work_item_shows_its_description_as_html(crew: Crew) -> None:
    body = {"project_id": "TM", "item_type": "task", "title": "x"}
    made = await _made(
        crew.ada, "work-items", **body, description="**Both** <script>alert(1)</script>"
    )
    plain = await _made(crew.ada, "work-items", **body)

    read = (await crew.viewer.get(f"{API}/work-items/{made['id']}")).json()
    empty = (await crew.viewer.get(f"{API}/work-items/{plain['id']}")).json()
    listed = (await crew.viewer.get(f"{API}/work-items")).json()["items"]

    assert read["description_html"] == (
        "<p><strong>Both</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
    )
    assert empty["description_html"] is None
    assert not any("description_html" in one for one in listed)
