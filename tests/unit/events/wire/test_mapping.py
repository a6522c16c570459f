from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tidemill.core.actor import ActorKind
from tidemill.core.clock import Instant
from tidemill.core.facts import FactActor, RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.events.wire.mapping import fact_envelope
from tidemill.events.wire.v1 import messages_pb2 as pb

ROOT = Path(__file__).parents[4]
GENERATED = ROOT / "src/tidemill/events/wire/v1"


def a_fact(type_: str, data: object, *, seq: int = 3) -> RecordedFact:
    return RecordedFact(
        id="fact-1",
        tenant_id=TenantId("t"),
        seq=seq,
        feature="board",
        type=type_,
        subject="item-1",
        at=Instant(1_000_001),
        actor=FactActor(kind=ActorKind.USER, id="u", user_id="u"),
        topics=(Topic("project:p"),),
        data=msgspec.Raw(msgspec.json.encode(data)),
    )


def test_generated_code_is_current(tmp_path: Path) -> None:
    """R007."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{ROOT / 'proto'}",
            f"--python_out={tmp_path}",
            f"--pyi_out={tmp_path}",
            "tidemill/v1/messages.proto",
        ],
        check=True,
    )
    for name in ("messages_pb2.py", "messages_pb2.pyi"):
        fresh = (tmp_path / "tidemill/v1" / name).read_text()
        assert (GENERATED / name).read_text() == fresh, "run `make proto`"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("ping", 10),
        ("pong", 11),
        ("subscribe", 20),
        ("unsubscribe", 21),
        ("create_work_item_request", 30),
        ("get_work_items_request", 33),
        ("work_item_created", 40),
        ("work_item_updated", 41),
        ("work_item_deleted", 42),
        ("work_items_list", 43),
        ("create_sprint_request", 50),
        ("sprint_created", 60),
        ("create_comment_request", 70),
        ("update_comment_request", 71),
        ("delete_comment_request", 72),
        ("get_comments_request", 73),
        ("comment_created", 80),
        ("comment_updated", 81),
        ("comment_deleted", 82),
        ("comments_list", 83),
        ("create_project_request", 90),
        ("project_created", 94),
        ("error", 100),
        ("start_timer_request", 110),
        ("timer_started", 120),
        ("create_dependency_request", 130),
        ("dependency_created", 135),
        ("get_activity_log_request", 140),
        ("activity_log_created", 142),
        ("llm_context_list", 144),
    ],
)
def test_envelope_keeps_the_numbers_that_clients_know(name: str, number: int) -> None:
    """R052, R058."""
    assert pb.WebSocketMessage.DESCRIPTOR.fields_by_name[name].number == number


def test_envelope_keeps_our_own_numbers_from_200_on() -> None:
    ours = re.findall(r"= (2\d\d);", (ROOT / "proto/tidemill/v1/messages.proto").read_text())
    own = {"through_seq", "stream_epoch", "header", "hello", "batch", "fact", "lagged", "resync"}
    fields = pb.WebSocketMessage.DESCRIPTOR.fields_by_name

    assert all(fields[name].number >= 200 for name in own)
    assert ours


def test_fact_envelope_fills_the_message_of_that_name() -> None:
    item = {
        "id": "item-1",
        "item_type": "task",
        "title": "Ship it",
        "description": None,
        "project_id": "p",
        "status": "todo",
        "priority": "high",
        "version": 4,
        "item_number": 12,
        "key": "TM-12",
        "created_at": 1,
        "updated_at": 2,
        "custom_fields": {"effort": "2.5", "not a text": 5},
        "unknown": {"to": "the schema"},
    }
    changes = [{"field_name": "title", "old_value": "Ship", "new_value": "Ship it"}]
    data = {"work_item": item, "changes": changes, "user_id": "u"}

    message = fact_envelope(a_fact("WorkItemUpdated", data))

    assert message.WhichOneof("payload") == "work_item_updated"
    sent = message.work_item_updated
    assert (sent.work_item.item_type, sent.work_item.key) == (pb.TASK, "TM-12")
    assert dict(sent.work_item.custom_fields) == {"effort": "2.5"}
    assert not sent.work_item.HasField("description")
    assert [(one.field_name, one.old_value, one.new_value) for one in sent.changes] == [
        ("title", "Ship", "Ship it")
    ]
    assert (message.header.seq, message.header.type) == (3, "WorkItemUpdated")
    assert message.timestamp == 1_000_001


def test_fact_envelope_knows_enums_by_their_short_names() -> None:
    message = fact_envelope(
        a_fact("ProjectCreated", {"project": {"id": "p", "status": "archived"}, "user_id": None})
    )

    assert message.project_created.project.status == pb.PROJECT_STATUS_ARCHIVED


@pytest.mark.parametrize(
    "data",
    [
        {"work_item": None},
        {"work_item": "text"},
        {"work_item": {"id": 7, "version": "x", "item_type": "martian", "ancestor_ids": "no"}},
        {},
    ],
)
def test_fact_envelope_leaves_out_what_does_not_fit(data: object) -> None:
    message = fact_envelope(a_fact("WorkItemCreated", data))

    assert message.WhichOneof("payload") == "work_item_created"
    assert message.work_item_created.work_item.item_type == 0


def test_fact_envelope_carries_other_facts_as_json() -> None:
    message = fact_envelope(a_fact("ScriptDeployed", {"path": "f/x"}))

    assert message.WhichOneof("payload") == "fact"
    assert msgspec.json.decode(message.fact.data_json) == {"path": "f/x"}
