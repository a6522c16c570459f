"""What scripts and schedules ask of a worker, by plain HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.app import App, error, make_app

pytestmark = pytest.mark.anyio

GPU = {"cpu": 2, "labels": ["gpu"]}
EVERY_DAY = {"cron": "0 6 * * *"}


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("requirements")) as made:
        yield made


async def test_requirements_integration_a_scripts_hold_where_nobody_says_otherwise(
    app: App,
) -> None:
    await app.owner.put("/api/v1/tags/film/strategy", json={"workers": "affinity"})
    script = {
        "path": "film",
        "language": "python",
        "content": "def main(): pass",
        "requires": GPU,
        "affinity_key": "films",
        "attempts_max": 4,
    }
    wrong = await app.owner.post("/api/v1/scripts", json={**script, "affinity_key": "with space"})
    deployed = (await app.owner.post("/api/v1/scripts", json=script)).json()
    read = (await app.owner.get("/api/v1/scripts/film")).json()
    schedule = {"path": "daily", "script_path": "film", "tag": "film", "trigger": EVERY_DAY}
    own = {"requires": {"cpu": 1}, "affinity_key": "mine"}
    made = await app.owner.post("/api/v1/schedules", json={**schedule, **own})
    job = (await app.owner.post("/api/v1/jobs", json={"script_path": "film", "tag": "film"})).json()
    plain = await app.owner.post("/api/v1/jobs", json={"script_path": "film"})

    assert error(wrong)[1:] == ("INVALID_JOB_FIELD", "affinity_key")
    for found in (deployed, read, job):
        assert (found["requires"], found["affinity_key"]) == (GPU, "films")
        assert found["attempts_max"] == 4
    assert (made.json()["requires"], made.json()["affinity_key"]) == ({"cpu": 1}, "mine")
    assert error(plain)[1] == "REQUIREMENT_WITHOUT_EFFECT"


async def test_pausing_integration_a_tag_that_nobody_knows_is_refused(app: App) -> None:
    refused = await app.owner.post("/api/v1/tags/defualt/pause")
    paused = await app.owner.post("/api/v1/tags/default/pause")
    await app.owner.post("/api/v1/tags/default/resume")

    assert error(refused) == (400, "UNKNOWN_TAG", "tag")
    assert "Did you mean default?" in refused.json()["error"]["message"]
    assert paused.json()["paused"] is True
