"""References in arguments at the door, on both databases: what is there, and what fits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.fixtures.values import SECRETS, ValuesWorld
from tidemill.jobs.code.resources.admitting.service import ReferenceAdmission
from tidemill.jobs.code.variables.sealing import MasterKeys
from tidemill.jobs.code.variables.service import Values
from tidemill.jobs.errors import ArgumentsInvalid

pytestmark = pytest.mark.anyio

DATABASE = {"host": "db.test", "dbname": "tides", "password": "$var:db/password"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "days": {"type": "integer"},
        "note": {"type": "string"},
        "warehouse": {
            "type": ["object", "string"],
            "pattern": r"^\$res:",
            "format": "resource-postgresql",
            "required": ["host"],
        },
        "file": {"type": ["object", "string"], "format": "resource-duckdb"},
    },
}


async def check(world: ValuesWorld, **args: object) -> None:
    admission = ReferenceAdmission(world.stores.tenants, Values(MasterKeys(SECRETS)))
    await admission.check(args, msgspec.json.encode(SCHEMA).decode(), world.owner)


async def a_few(world: ValuesWorld) -> None:
    await world.put("db/password", is_secret=True)
    await world.put("db/word", "west pier")
    await world.put_resource("db/tides", DATABASE, "postgresql")
    await world.put_resource("web/tides", {"base_url": "x"}, "http")
    await world.put_resource("db/file", {"path": "tides.db"}, "sqlite")
    await world.types.put(
        "own", {"type": "object"}, description="", expected_version=None, actor=world.owner
    )
    await world.put_resource("own/right", {"host": "db.test"}, "own")
    await world.put_resource("own/wrong", {"address": "db.test"}, "own")


async def test_references_to_what_is_there_and_fits_are_let_in(world: ValuesWorld) -> None:
    await a_few(world)

    await check(world, warehouse="$res:db/tides", note="$var:db/word", file="$res:db/file")
    await check(world, warehouse="$res:own/right", days="$var:db/password", other=["$var:db/word"])

    reads = [action for action, _ in await world.audited() if action == "jobs.secrets.read"]
    assert reads == [], "no secret is opened before the job starts"


@pytest.mark.parametrize(
    ("args", "param", "reason"),
    [
        ({"note": "$var:db/wrod"}, "note", r"no such variable\. Did you mean \$var:db/word\?"),
        ({"warehouse": "$res:db/tide"}, "warehouse", r"no such resource\. Did .*\$res:db/tides\?"),
        ({"other": [{"a": "$res:far"}]}, "other", r"\$res:far: there is no such resource\.$"),
        (
            {"warehouse": "$res:web/tides"},
            "warehouse",
            r"of the type http, and this takes one of the type postgresql, such as \$res:db/tides",
        ),
        ({"warehouse": "$res:own/wrong"}, "warehouse", r"what \$res:own/wrong stands for does not"),
        ({"warehouse": "$var:db/word"}, "warehouse", r"what \$var:db/word stands for does not fit"),
        ({"days": "$var:db/word"}, "days", r"stands for does not fit here \(integer\)\."),
        ({"note": "$res:db/file"}, "note", r"what \$res:db/file stands for does not fit"),
    ],
    ids=str,
)
async def test_references_that_no_job_could_use_are_refused(
    world: ValuesWorld, args: dict[str, Any], param: str, reason: str
) -> None:
    await a_few(world)

    with pytest.raises(ArgumentsInvalid, match=reason) as refused:
        await check(world, **args)

    assert refused.value.param == f"args.{param}"
    assert "west pier" not in refused.value.message, "a value is for the job alone"
