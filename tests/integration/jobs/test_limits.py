"""Limits by plain HTTP: where they are set, what they answer, and how they explain themselves."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fixtures.app import App, error, make_app

pytestmark = pytest.mark.anyio

MAIL = "def main(customer: int, text: str = '') -> int:\n    return customer\n"


class Mail:
    """A script of one test, in an application that all share."""

    numbers = itertools.count(1)

    def __init__(self, owner: httpx.AsyncClient) -> None:
        self.owner = owner
        self.path = f"mail/{next(self.numbers)}"

    async def deploy(self, **limits: Any) -> httpx.Response:
        body = {"path": self.path, "language": "python", "content": MAIL, "limits": limits}
        return await self.owner.post("/api/v1/scripts", json=body)

    async def start(self, customer: int = 1, **fields: Any) -> httpx.Response:
        body = {"script_path": self.path, "args": {"customer": customer}, **fields}
        return await self.owner.post("/api/v1/jobs", json=body)


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("limits")) as made:
        yield made


@pytest.fixture
def mail(app: App) -> Mail:
    return Mail(app.owner)


async def test_limits_integration_of_a_script_hold_for_its_jobs(mail: Mail) -> None:
    limits = {"concurrency": {"key": "c-{args.customer}"}, "ttl_seconds": 60}
    deployed = await mail.deploy(**limits)
    first, second, other = [(await mail.start(one)).json() for one in (1, 1, 2)]

    assert deployed.json()["limits"] == limits
    assert [job["state"] for job in (first, second, other)] == ["queued", "waiting", "queued"]
    assert first["limits"] == limits
    assert first["concurrency_key"] == "c-1"
    assert first["expires_at"] is not None
    shown = (await mail.owner.get(f"/api/v1/jobs/{second['id']}")).json()
    assert first["id"] in shown["waiting_for"]
    why = (await mail.owner.get(f"/api/v1/jobs/{second['id']}/why")).json()
    assert [reason["code"] for reason in why["reasons"]] == ["concurrency"]
    listed = (await mail.owner.get("/api/v1/jobs", params={"state": "waiting"})).json()
    assert [job["id"] for job in listed["items"]] == [second["id"]]


@pytest.mark.parametrize("fields", [{"timeout_seconds": 60}, {}])
async def test_limits_integration_refuses_a_heartbeat_that_no_run_lives_to_miss(
    mail: Mail, fields: dict[str, Any]
) -> None:
    await mail.deploy(heartbeat_timeout_seconds=3_000)
    wrong = await mail.start(limits={"heartbeat_timeout_seconds": 3_600}, **fields)
    # What was deployed with the script asks nothing of a job that takes less time for itself.
    right = await mail.start(timeout_seconds=60)
    own = await mail.start(limits={"heartbeat_timeout_seconds": 100}, timeout_seconds=101)
    again = await mail.owner.post(
        f"/api/v1/jobs/{own.json()['id']}/rerun", json={"timeout_seconds": 50}
    )

    assert error(wrong) == (400, "INVALID_JOB_FIELD", "limits.heartbeat_timeout_seconds")
    assert f"timeout_seconds, {fields.get('timeout_seconds', 600)}," in wrong.text
    assert [right.status_code, own.status_code, again.status_code] == [201, 201, 201]


async def test_limits_integration_a_key_sees_the_defaults_of_arguments(mail: Mail) -> None:
    await mail.deploy(concurrency={"limit": 9, "key": "t-{args.text}"})
    plain, given = await mail.start(), await mail.start(args={"customer": 1, "text": "x"})
    again = await mail.owner.post(f"/api/v1/jobs/{plain.json()['id']}/rerun", json={})
    body = {"language": "python", "content": MAIL, "args": {"customer": 1}}
    limits = {"concurrency": {"key": "{args.customer}-{args.text}"}}
    in_place = await mail.owner.post("/api/v1/jobs", json={**body, "limits": limits})

    keys = [one.json()["concurrency_key"] for one in (plain, given, again)]
    assert keys == ["t-", "t-x", "t-"]
    assert in_place.json()["concurrency_key"] == "1-"


async def test_limits_integration_a_key_of_no_argument_names_the_nearest(mail: Mail) -> None:
    answer = await mail.deploy(rate={"limit": 9, "key": "{args.custmer}"})

    told = answer.json()["error"]["message"]
    assert told.endswith("that the script takes, not custmer (did you mean customer?).")


async def test_limits_integration_new_limits_make_a_new_version(mail: Mail) -> None:
    versions = [
        (await mail.deploy(ttl_seconds=seconds)).json()["version"] for seconds in (60, 60, 90)
    ]

    assert versions == [1, 1, 2]


async def test_limits_integration_a_unique_job_answers_the_one_that_is_there(mail: Mail) -> None:
    await mail.deploy(unique={})
    first, again = await mail.start(), await mail.start()
    refused = await mail.start(limits={"unique": {"on_conflict": "refuse"}})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["found_by"] == "unique"
    assert error(refused) == (409, "JOB_NOT_UNIQUE", "limits.unique")
    assert first.json()["id"] in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("limits", "param"),
    [
        ({"concurrency": {"limit": 0}}, "limits.concurrency.limit"),
        ({"concurrency": {"key": "c-{args.customr}"}}, "limits.concurrency.key"),
        ({"rate": {"limit": 1, "burst": 0}}, "limits.rate.burst"),
        ({"unique": {}, "debounce": {"seconds": 1}}, "limits.debounce"),
    ],
)
async def test_limits_integration_what_cannot_hold_is_refused_at_the_door(
    mail: Mail, limits: dict[str, Any], param: str
) -> None:
    assert error(await mail.deploy(**limits)) == (400, "INVALID_JOB_FIELD", param)


async def test_limits_integration_an_unknown_limit_is_refused(mail: Mail) -> None:
    answer = await mail.deploy(concurency={"limit": 1})

    assert answer.status_code == 400
    assert "concurency" in answer.text


async def test_limits_integration_a_key_without_its_argument_is_refused(mail: Mail) -> None:
    await mail.deploy()
    answer = await mail.start(limits={"rate": {"limit": 1, "key": "{args.port}"}})

    assert error(answer) == (422, "LIMIT_KEY_UNCLEAR", "limits.rate.key")


@pytest.mark.parametrize(
    ("fields", "code", "setting"),
    [
        ({"args": {"customer": 1, "text": "x" * 300_000}}, "ARGUMENTS_TOO_LARGE", "args_bytes_max"),
        (
            {"script_path": None, "language": "python", "content": "#" * 2_000_000, "args": {}},
            "SCRIPT_TOO_LARGE",
            "script_bytes_max",
        ),
    ],
)
async def test_limits_integration_too_much_is_413_and_names_its_setting(
    mail: Mail, fields: dict[str, Any], code: str, setting: str
) -> None:
    await mail.deploy()
    answer = await mail.start(**fields)

    assert error(answer)[:2] == (413, code)
    assert f"jobs.{setting}" in answer.json()["error"]["message"]


async def test_limits_integration_of_the_last_of_all_days_can_be_shown(mail: Mail) -> None:
    await mail.deploy(queue_timeout_seconds=86_400)

    started = await mail.start(run_at="9999-12-31T23:59:59Z")

    assert (started.status_code, started.json()["expires_at"]) == (
        201,
        "9999-12-31T23:59:59.000000Z",
    )
    listed = await mail.owner.get("/api/v1/jobs", params={"path": mail.path})
    assert [job["id"] for job in listed.json()["items"]] == [started.json()["id"]]
