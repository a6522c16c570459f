"""Folders over HTTP: what each of them lets whom do with everything that has a path."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from msgspec import Struct

from tests.fixtures.app import App, make_app

pytestmark = pytest.mark.anyio
_PASSWORD: Final = "a long Passw0rd of a member"
_CODE: Final = "def main():\n    return 1\n"
_PATHS: Final = ("scripts", "variables", "resources", "schedules")


class People(Struct, frozen=True):
    app: App
    owner: httpx.AsyncClient
    ann: httpx.AsyncClient
    ann_id: str
    bob: httpx.AsyncClient
    bob_id: str
    viewer: httpx.AsyncClient


@pytest.fixture(scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    async with make_app(tmp_path_factory.mktemp("folders")) as app:
        ann, ann_id = await _join(app, "ann", "member")
        bob, bob_id = await _join(app, "bob", "member")
        viewer, _ = await _join(app, "vic", "viewer")
        yield People(app, app.owner, ann, ann_id, bob, bob_id, viewer)


async def a_folder(people: People, name: str, **grants: str) -> None:
    """Make a folder in which Ann has made one of each kind, with grants as said."""
    given = {f"user:{people.ann_id}": "own"} | {
        {"bob": f"user:{people.bob_id}", "viewers": "role:viewer"}[who]: level
        for who, level in grants.items()
    }
    await _ok(people.owner.put(f"/api/v1/folders/{name}", json={"grants": given}))
    path = f"f/{name}/one"
    body = {"path": path, "language": "python", "content": _CODE}
    await _ok(people.ann.post("/api/v1/scripts", json=body))
    await _ok(people.ann.put(f"/api/v1/variables/{path}", json={"value": "v", "is_secret": True}))
    resource = {"type": "http", "value": {"base_url": "x", "token": f"$var:{path}"}}
    await _ok(people.ann.put(f"/api/v1/resources/{path}", json=resource))
    schedule = {"path": path, "script_path": path, "trigger": {"every_seconds": 86_400}}
    await _ok(people.ann.post("/api/v1/schedules", json=schedule))


async def test_folders_hide_what_one_may_not_read(people: People) -> None:
    await a_folder(people, "secret")

    for things in _PATHS:
        got = await people.bob.get(f"/api/v1/{things}/f/secret/one")
        if things == "schedules":
            got = await people.bob.get("/api/v1/schedules", params={"path": "f/secret/one"})
            assert got.json()["items"] == []
            continue
        assert (got.status_code, _code(got)) == (403, "FOLDER_DENIED"), things
        listed = (await people.bob.get(f"/api/v1/{things}", params={"limit": 200})).json()
        assert not [one for one in listed["items"] if one["path"].startswith("f/secret/")]
        mine = (await people.ann.get(f"/api/v1/{things}", params={"limit": 200})).json()
        assert [one for one in mine["items"] if one["path"].startswith("f/secret/")]
    states = [
        await people.bob.get("/api/v1/script-states", params={"path": "f/secret/one"}),
        await people.bob.get("/api/v1/function-states", params={"name": "secret.tasks:one"}),
    ]
    assert [_code(one) for one in states] == ["FOLDER_DENIED"] * 2
    hidden = await people.bob.get("/api/v1/folders/secret")
    assert (hidden.status_code, _code(hidden)) == (404, "FOLDER_NOT_FOUND")


async def test_folders_hide_what_comes_of_their_schedules(people: People) -> None:
    await a_folder(people, "tides")
    path = f"/api/v1/schedules/{await _schedule(people, 'f/tides/one')}"
    code = {"path": "bob/two", "language": "python", "content": _CODE}
    await _ok(people.bob.post("/api/v1/scripts", json=code))
    schedule = {"path": "bob/two", "script_path": "bob/two"}

    seen = [
        await people.bob.get(path),
        await people.bob.get(f"{path}/preview"),
        await people.bob.get(f"{path}/occurrences"),
        await people.bob.post("/api/v1/schedules", json=schedule | _after("f/tides/one")),
    ]
    near = await people.bob.post("/api/v1/schedules", json=schedule | _after("tides/one"))

    assert [_code(one) for one in seen] == ["FOLDER_DENIED"] * 4
    assert _code(near) == "SCHEDULE_INVALID"
    assert "f/tides/one" not in near.text


async def test_folders_are_not_named_to_those_who_remove_what_others_use(people: People) -> None:
    await a_folder(people, "unnamed")
    code = {"path": "bob/basis", "language": "python", "content": _CODE}
    await _ok(people.bob.post("/api/v1/scripts", json=code))
    every = {"trigger": {"every_seconds": 86_400}}
    basis = {"path": "bob/basis", "script_path": "bob/basis"} | every
    made = (await people.bob.post("/api/v1/schedules", json=basis)).json()
    await _ok(people.bob.put("/api/v1/calendars/bobs", json={"weekdays": [1, 2, 3]}))
    hers = {"script_path": "f/unnamed/one"}
    follower = hers | {"path": "f/unnamed/two"} | _after("bob/basis")
    await _ok(people.ann.post("/api/v1/schedules", json=follower))
    by_days = hers | every | {"path": "f/unnamed/three", "days": {"calendar": "bobs"}}
    await _ok(people.ann.post("/api/v1/schedules", json=by_days))

    schedule, calendar = f"/api/v1/schedules/{made['id']}", "/api/v1/calendars/bobs"
    refused = [await people.bob.delete(one) for one in (schedule, calendar)]
    told = [await people.ann.delete(one) for one in (schedule, calendar)]

    assert [_code(one) for one in refused] == ["SCHEDULE_IN_USE", "CALENDAR_IN_USE"]
    assert not [one.text for one in refused if "f/unnamed" in one.text]
    assert all("1 in folders closed to you" in one.text for one in refused)
    assert ["f/unnamed/two" in told[0].text, "f/unnamed/three" in told[1].text] == [True, True]


async def test_folders_are_not_named_to_those_who_delete_values_that_others_use(
    people: People,
) -> None:
    await a_folder(people, "users")
    type_: dict[str, Any] = {
        "schema": {"type": "object", "properties": {"word": {"type": "string"}}}
    }
    await _ok(people.owner.put("/api/v1/resource-types/worded", json=type_))
    variable, resource = "/api/v1/variables/words/one", "/api/v1/resources/words/two"
    value: dict[str, Any] = {"type": "worded", "value": {"word": "two"}}
    await _ok(people.bob.put(variable, json={"value": "one"}))
    await _ok(people.bob.put(resource, json=value))
    for name in ("words/one", "words/two"):
        kind = "var" if name.endswith("one") else "res"
        args = {"word": f"${kind}:{name}"}
        path = f"f/users/{kind}"
        code = f"def main(word='{args['word']}'):\n    return 1\n"
        script = {"path": path, "language": "python", "content": code}
        await _ok(people.ann.post("/api/v1/scripts", json=script))
        held = {"type": "worded", "value": args if kind == "var" else {"word": "x"}}
        await _ok(people.ann.put(f"/api/v1/resources/{path}", json=held))
        trigger = {"every_seconds": 86_400}
        schedule = {"path": path, "script_path": path, "args": args, "trigger": trigger}
        await _ok(people.ann.post("/api/v1/schedules", json=schedule))

    refused = [await people.bob.delete(url) for url in (variable, resource)]
    refused.append(await people.owner.delete("/api/v1/resource-types/worded"))
    told = [one.json()["error"]["message"] for one in refused]

    assert [one.status_code for one in refused] == [409] * 3
    assert not [text for text in told[:2] if "f/users" in text]
    assert "is referred to by 3 in folders closed to you." in told[0]
    assert "is referred to by 2 in folders closed to you." in told[1]
    assert "f/users/var" in told[2]
    assert "schedule f/users/var" in (await people.ann.delete(variable)).text


async def test_folders_let_readers_read_and_not_run(people: People) -> None:
    await a_folder(people, "shown", bob="read")

    read = await people.bob.get("/api/v1/scripts/f/shown/one")
    run = await people.bob.post("/api/v1/jobs", json={"script_path": "f/shown/one"})
    value = await people.bob.get("/api/v1/variables/value", params={"path": "f/shown/one"})
    change = await people.bob.put("/api/v1/variables/f/shown/one", json={"value": "mine"})

    assert read.status_code == 200
    assert [_code(one) for one in (run, value, change)] == ["FOLDER_DENIED"] * 3


async def test_folders_let_runners_run_with_values_and_change_nothing(people: People) -> None:
    await a_folder(people, "used", bob="run")
    path = "f/used/one"

    run = await people.bob.post("/api/v1/jobs", json={"script_path": path})
    value = await people.bob.get("/api/v1/resources/value", params={"path": path})
    body = {"path": path, "language": "python", "content": _CODE + "\n"}
    changes = [
        await people.bob.post("/api/v1/scripts", json=body),
        await people.bob.delete(f"/api/v1/resources/{path}"),
        await people.bob.put("/api/v1/folders/used", json={"grants": {}}),
    ]

    assert run.status_code == 201
    assert value.json()["value"]["token"] == "v"
    assert [_code(one) for one in changes] == ["FOLDER_DENIED"] * 3


async def test_folders_give_viewers_no_more_than_their_role(people: People) -> None:
    await a_folder(people, "open", viewers="write")

    read = await people.viewer.get("/api/v1/scripts/f/open/one")
    run = await people.viewer.post("/api/v1/jobs", json={"script_path": "f/open/one"})

    assert read.status_code == 200
    assert _code(run) == "PERMISSION_DENIED"


async def test_folders_keep_values_from_those_who_go_through_another_folder(
    people: People,
) -> None:
    await a_folder(people, "vault")
    loot = {"type": "http", "value": {"base_url": "x", "token": "$var:f/vault/one"}}
    await _ok(people.bob.put("/api/v1/resources/mine", json=loot))

    value = await people.bob.get("/api/v1/resources/value", params={"path": "mine"})

    assert _code(value) == "FOLDER_DENIED"


async def test_folders_hide_jobs_of_what_one_may_not_read(people: People) -> None:
    await a_folder(people, "quiet")
    job = (await people.ann.post("/api/v1/jobs", json={"script_path": "f/quiet/one"})).json()

    hidden = await people.bob.get(f"/api/v1/jobs/{job['id']}")
    listed = (await people.bob.get("/api/v1/jobs", params={"limit": 200})).json()["items"]

    assert _code(hidden) == "JOB_NOT_FOUND"
    assert job["id"] not in {one["id"] for one in listed}
    assert (await people.owner.get(f"/api/v1/jobs/{job['id']}")).status_code == 200


async def test_folders_let_readers_see_jobs_and_not_end_them(people: People) -> None:
    await a_folder(people, "watched", bob="read")
    body = {"script_path": "f/watched/one", "run_at": "2099-01-01T00:00:00Z"}
    job = (await people.ann.post("/api/v1/jobs", json=body)).json()["id"]

    refused = [
        await people.bob.post(f"/api/v1/jobs/{job}/cancel"),
        await people.bob.post(f"/api/v1/jobs/{job}/run-now"),
        await people.bob.post(f"/api/v1/jobs/{job}/snooze", json={"seconds": 60}),
    ]
    wanted = {"filter": {"path": "f/watched/one"}}
    bulk = (await people.bob.post("/api/v1/jobs/cancel", json=wanted)).json()

    assert [_code(one) for one in refused] == ["FOLDER_DENIED"] * 3
    assert (bulk["matched"], bulk["changed"]) == (0, 0)
    assert (await people.bob.get(f"/api/v1/jobs/{job}")).json()["state"] == "scheduled"
    assert (await people.ann.post(f"/api/v1/jobs/{job}/cancel")).json()["state"] == "cancelled"


async def test_folders_keep_their_jobs_from_trees_of_others(people: People) -> None:
    await a_folder(people, "grove")
    later = {"run_at": "2099-01-01T00:00:00Z"}
    code = {"language": "python", "content": _CODE} | later
    top = (await people.ann.post("/api/v1/jobs", json=code)).json()["id"]
    closed = {"script_path": "f/grove/one", "parent_id": top} | later
    hidden = (await people.ann.post("/api/v1/jobs", json=closed)).json()["id"]
    await _ok(people.ann.post("/api/v1/jobs", json=code | {"parent_id": hidden}))

    hung = await people.bob.post("/api/v1/jobs", json=code | {"parent_id": hidden})
    cancelled = await people.bob.post(f"/api/v1/jobs/{top}/tree/cancel")

    assert _code(hung) == "JOB_NOT_FOUND"
    assert cancelled.json()["job"]["state"] == "cancelled"
    left = (await people.ann.get(f"/api/v1/jobs/{hidden}")).json()
    assert left["state"] == "scheduled"


@pytest.mark.parametrize("kind", ["unique", "debounce"])
async def test_folders_keep_their_jobs_from_keys_of_others(people: People, kind: str) -> None:
    await a_folder(people, f"keyed-{kind}")
    rule = {"key": "order-7"} | ({"seconds": 600} if kind == "debounce" else {})
    limits = {"limits": {kind: rule}}
    closed = {"script_path": f"f/keyed-{kind}/one"} | limits
    hers = (await people.ann.post("/api/v1/jobs", json=closed)).json()

    code = {"language": "python", "content": _CODE} | limits
    his = await people.bob.post("/api/v1/jobs", json=code)
    again = await people.ann.post("/api/v1/jobs", json=closed)

    assert (his.status_code, his.json()["script_path"]) == (201, None)
    assert again.json()["id"] == hers["id"] != his.json()["id"]


async def test_folders_keep_the_limits_of_their_scripts(people: People) -> None:
    await a_folder(people, "narrow")
    closed = {"script_path": "f/narrow/one", "limits": {"concurrency": {"limit": 1}}}
    hers = [(await people.ann.post("/api/v1/jobs", json=closed)).json() for _ in range(2)]

    wider = {"limit": 9, "key": "script:f/narrow/one"}
    code = {"language": "python", "content": _CODE, "limits": {"concurrency": wider}}
    await _ok(people.bob.post("/api/v1/jobs", json=code))

    second = (await people.ann.get(f"/api/v1/jobs/{hers[1]['id']}")).json()
    assert second["state"] == "waiting"


async def test_folders_hold_for_functions_of_the_package_of_their_name(people: People) -> None:
    grants = {"grants": {f"user:{people.ann_id}": "run"}}
    await _ok(people.owner.put("/api/v1/folders/shop", json=grants))
    body = {"function": "shop.tasks:send"}

    refused = await people.bob.post("/api/v1/jobs", json=body)
    allowed = await people.ann.post("/api/v1/jobs", json=body)

    assert _code(refused) == "FOLDER_DENIED"
    assert _code(allowed) == "FUNCTION_NOT_FOUND", "no worker is here, but the folder lets her"


async def test_folders_are_made_by_admins_and_changed_by_their_owners(people: People) -> None:
    grants = {f"user:{people.ann_id}": "own"}
    refused = await people.ann.put("/api/v1/folders/mine", json={"grants": grants})
    made = await people.owner.put("/api/v1/folders/mine", json={"grants": grants})
    changed = await people.ann.put(
        "/api/v1/folders/mine",
        json={"grants": grants | {"role:member": "read"}},
        headers={"If-Match": made.headers["etag"]},
    )
    stranger = {"grants": {"user:0192f0c1-2222-7000-8000-000000000000": "read"}}
    unknown = await people.owner.put("/api/v1/folders/mine", json=stranger)

    assert _code(refused) == "FOLDER_DENIED"
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (unknown.status_code, _code(unknown)) == (422, "FOLDER_INVALID")


async def test_folders_go_when_nothing_is_left_in_them(people: People) -> None:
    await a_folder(people, "gone")
    path = "f/gone/one"

    full = await people.ann.delete("/api/v1/folders/gone")
    await _ok(people.ann.delete(f"/api/v1/schedules/{await _schedule(people, path)}"))
    for things in ("resources", "variables", "scripts"):
        await _ok(people.ann.delete(f"/api/v1/{things}/{path}"))
    empty = await people.ann.delete("/api/v1/folders/gone")

    assert (full.status_code, _code(full)) == (409, "FOLDER_IN_USE")
    assert path in full.json()["error"]["message"]
    assert empty.status_code == 204


async def test_the_space_of_a_person_is_closed_to_other_members(people: People) -> None:
    path = f"u/{people.ann_id}/draft"
    mine = await people.ann.put(f"/api/v1/variables/{path}", json={"value": "1"})
    taken = await people.bob.put(f"/api/v1/variables/{path}", json={"value": "2"})
    admin = await people.owner.get(f"/api/v1/variables/{path}")

    assert (mine.status_code, _code(taken), admin.status_code) == (200, "FOLDER_DENIED", 200)


def _after(path: str) -> dict[str, Any]:
    return {"after": [{"path": path}]}


async def _schedule(people: People, path: str) -> str:
    found = await people.ann.get("/api/v1/schedules", params={"path": path})
    id_: str = found.json()["items"][0]["id"]
    return id_


async def _join(app: App, name: str, role: str) -> tuple[httpx.AsyncClient, str]:
    email = f"{name}@example.org"
    invited = await app.owner.post("/api/v1/invitations", json={"email": email, "role": role})
    body = {
        "token": invited.json()["token"],
        "email": email,
        "name": name,
        "password": _PASSWORD,
    }
    joined = (await app.anonymous.post("/api/v1/auth/registrations", json=body)).json()
    return app.client(joined["access_token"]), joined["user_id"]


async def _ok(asking: Any) -> None:
    answer = await asking
    assert answer.status_code < 300, answer.text


def _code(answer: httpx.Response) -> str:
    code: str = answer.json()["error"]["code"] if answer.status_code >= 400 else ""
    return code
