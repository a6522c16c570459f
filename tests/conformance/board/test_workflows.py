"""Projects with statuses and moves of their own, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import StatusTransitionForbidden, UnknownStatus
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.parsing import parse
from tidemill.board.listing.models import Selection
from tidemill.board.project_reports.service import Period
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.work_items.models import WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.board.workflow_changes.models import NewWorkflow, ProjectWorkflow, Rule
from tidemill.board.workflow_errors import InvalidWorkflow, StatusInUse, TransitionGuarded
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Category, Guard, GuardType, Status
from tidemill.core.actor import Actor, Role
from tidemill.core.ids import UserId
from tidemill.core.pages import PageRequest
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio

HOUR: Final = 3_600
STATUSES: Final = (
    Status(key="inbox", name="Inbox", category=Category.BACKLOG),
    Status(key="ready", name="Ready to go", category=Category.UNSTARTED),
    Status(key="doing", name="Doing", category=Category.STARTED, color="#0072b2"),
    Status(key="shipped", name="Shipped", category=Category.DONE),
)
OWN: Final = NewWorkflow(statuses=STATUSES, initial="ready")
MOVES: Final = {
    "backlog": "inbox", "todo": "ready", "in_progress": "doing", "blocked": "doing",
    "review": "doing", "done": "shipped", "cancelled": "shipped",
}  # fmt: skip


def guarded(*guards: Guard) -> NewWorkflow:
    """Return the workflow with conditions on the way from doing to shipped."""
    rules = (
        Rule(source="ready", targets=("doing",)),
        Rule(source="doing", targets=("shipped",), guards=guards),
    )
    return structs.replace(OWN, rules=rules)


async def put(
    world: BoardWorld, wanted: NewWorkflow = OWN, project: str = "TM", **options: Any
) -> ProjectWorkflow:
    """Give a project a workflow."""
    given = {"if_match": None, "actor": world.actor, **options}
    return await world.workflows.put(project, wanted, **given)


async def to(world: BoardWorld, key: str, status: str, actor: Actor | None = None) -> WorkItem:
    return await world.items.change(key, WorkItemChanges(status=status), actor=actor or world.actor)


async def keys(world: BoardWorld, text: str) -> list[str]:
    """Return the items of a filter."""
    found = await world.listing.list(
        Selection(filter=parse(text)), PageRequest(), actor=world.actor
    )
    return [item.key for item in found.items]


async def facts(world: BoardWorld, kind: str) -> list[Any]:
    rows = await world.rows(
        "SELECT data FROM stream WHERE tenant_id = :tenant_id AND type = :kind ORDER BY seq",
        kind=kind,
    )
    return [msgspec.json.decode(row[0]) for row in rows]


async def test_workflows_integration_are_the_usual_one_until_a_project_has_its_own(
    world: BoardWorld,
) -> None:
    project = await world.a_project()
    usual = await world.workflows.get("TM", actor=world.actor)
    made = await put(world, if_match=1)
    again = await put(world)
    with pytest.raises(VersionChanged):
        await put(world, structs.replace(OWN, initial="inbox"), if_match=1)
    read = await world.workflows.get(project.id, actor=world.actor)

    assert (usual.version, usual.workflow, usual.updated_at) == (1, DEFAULT_WORKFLOW, None)
    assert (made.version, made.workflow.statuses, made.workflow.initial) == (2, STATUSES, "ready")
    assert again == made == read, "nothing differs"
    assert (await world.fact_types()).count("WorkflowChanged") == 1
    assert (await world.audit_actions()).count("board.workflows.update") == 1


async def test_workflows_integration_rule_the_items_of_their_project_alone(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("XX")
    await put(world)
    item = await world.an_item()
    other = await world.an_item(project="XX")

    assert (item.status, item.status_category) == ("ready", "unstarted")
    assert (other.status, other.status_category) == ("backlog", "backlog")
    for key, status in (("TM-1", "todo"), ("XX-1", "ready")):
        with pytest.raises(UnknownStatus):
            await to(world, key, status)
        with pytest.raises(UnknownStatus):
            await world.an_item(project=key[:2], status=status)
    # Without transitions each status leads to every other.
    shipped = await to(world, "TM-1", "shipped")
    assert (shipped.status_category, shipped.is_open) == ("done", False)
    assert shipped.completed_at == shipped.updated_at
    assert (await to(world, "TM-1", "inbox")).completed_at is None
    told = [fact["work_item"] for fact in await facts(world, "WorkItemUpdated")]
    assert [item["status_category"] for item in told] == ["done", "backlog"]
    await put(world, guarded())
    with pytest.raises(StatusTransitionForbidden, match="no other status"):
        await to(world, "TM-1", "ready")


async def test_workflows_integration_filters_know_the_statuses_of_all_projects(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("XX")
    await put(world)
    await world.an_item(status="doing")
    await world.an_item(status="shipped")
    await world.an_item(project="XX", status="done")
    await world.an_item(project="XX", status="todo")

    assert await keys(world, "status:doing") == ["TM-1"]
    assert await keys(world, 'status:"Ready to go"') == []
    assert await keys(world, "status:shipped,done sort:created") == ["TM-2", "XX-1"]
    assert await keys(world, "is:closed sort:created") == ["TM-2", "XX-1"]
    assert await keys(world, "is:open sort:created") == ["TM-1", "XX-2"]
    assert await keys(world, "is:started") == ["TM-1"]
    await world.items.change("TM-1", WorkItemChanges(status="ready"), actor=world.actor)
    await put(world, structs.replace(OWN, statuses=(STATUSES[1], STATUSES[3])))
    assert await keys(world, "status:doing") == [], "a saved filter may still say so"
    with pytest.raises(InvalidFilter, match="Did you mean shipped"):
        await keys(world, "status:shippd")
    for status, found in (("shipped", ["TM-2"]), ("done", ["XX-1"])):
        wanted = WorkItemFilter(status=status)
        page = await world.reads.list(wanted, PageRequest(), actor=world.actor)
        assert [item.key for item in page.items] == found
    with pytest.raises(UnknownStatus, match="shipped"):
        await world.reads.list(WorkItemFilter(status="x"), PageRequest(), actor=world.actor)


async def test_workflows_integration_guards_hold_items_back_and_say_what_to_do(
    world: BoardWorld,
) -> None:
    await world.a_project()
    ada = await world.a_person()
    await put(
        world,
        guarded(
            Guard(type=GuardType.ASSIGNEE),
            Guard(type=GuardType.FIELD, field="points"),
            Guard(type=GuardType.NO_OPEN_BLOCKERS),
            Guard(type=GuardType.NO_OPEN_CHILDREN),
            Guard(type=GuardType.ROLE, role=Role.ADMIN),
        ),
    )
    await world.an_item("story", status="doing")
    await world.an_item("task", parent="TM-1")
    await world.an_item("task")
    await world.a_link("TM-3", "TM-1")
    # Whoever made the project owns it, which is as much as to be an admin.
    bo = UserId(await world.a_person("Bo"))
    member = structs.replace(world.actor, id=bo, user_id=bo, role=Role.MEMBER)
    admin = structs.replace(world.actor, role=Role.ADMIN)
    with pytest.raises(TransitionGuarded) as refused:
        await to(world, "TM-1", "shipped", member)

    assert refused.value.message == (
        "From doing to shipped the workflow has conditions. "
        "requires_assignee: assign the item to somebody. requires_field: fill in points. "
        "requires_no_open_blockers: finish what blocks it, or unlink it: TM-3. "
        "requires_no_open_children: finish or cancel what lies below it: TM-2. "
        "requires_role: ask somebody whose role is admin or above."
    )
    for key in ("TM-2", "TM-3"):
        await world.items.change(
            key, WorkItemChanges(status="doing", assignee_id=ada, points=1), actor=admin
        )
        await to(world, key, "shipped", admin)
    # What the same request fills in counts.
    changes = WorkItemChanges(status="shipped", assignee_id=ada, points=0)
    assert (await world.items.change("TM-1", changes, actor=admin)).status == "shipped"


async def test_workflows_integration_items_of_removed_statuses_go_where_one_says(
    world: BoardWorld,
) -> None:
    await world.a_project()
    for status in ("todo", "in_progress", "done", "cancelled"):
        await world.an_item(status=status)
    await world.an_item(status="todo", title="Gone")
    await world.items.delete("TM-5", actor=world.actor)
    with pytest.raises(StatusInUse) as refused:
        await put(world, structs.replace(OWN, moves={"done": "shipped"}))
    world.clock.advance(HOUR)
    before = await world.reads.get("TM-2", actor=world.actor)
    await put(world, structs.replace(OWN, moves=MOVES))

    assert "2 in todo, 1 in in_progress, 1 in cancelled" in refused.value.message
    items = [await world.reads.get(f"TM-{n}", actor=world.actor) for n in (1, 2, 3, 4)]
    assert [(item.status, item.status_category) for item in items] == [
        ("ready", "unstarted"), ("doing", "started"), ("shipped", "done"), ("shipped", "done"),
    ]  # fmt: skip
    assert {item.version for item in items} == {2}
    assert items[1].started_at == before.started_at
    back = await world.items.restore("TM-5", actor=world.actor)
    assert back.status == "ready"
    [newest, *_] = (await world.reads.activity("TM-2", PageRequest(), actor=world.actor)).items
    assert (newest.version, newest.field, newest.old_value, newest.new_value, newest.at) == (
        2, "status", "in_progress", "doing", items[1].updated_at,
    )  # fmt: skip
    [fact] = await facts(world, "WorkflowChanged")
    assert {(one["old_status"], one["new_status"]): one["count"] for one in fact["moves"]} == {
        ("todo", "ready"): 2, ("in_progress", "doing"): 1,
        ("done", "shipped"): 1, ("cancelled", "shipped"): 1,
    }  # fmt: skip
    assert "WorkItemUpdated" not in await world.fact_types()


async def test_workflows_integration_a_status_with_another_meaning_takes_its_items_along(
    world: BoardWorld,
) -> None:
    await world.a_project()
    sprint = await world.a_sprint()
    await world.an_item(status="review", points=3, sprint=sprint.id)
    await world.an_item(status="todo")
    await world.a_link("TM-1", "TM-2")
    entered = (await world.reads.get("TM-1", actor=world.actor)).created_at
    world.clock.advance(HOUR)
    statuses = tuple(
        structs.replace(one, category=Category.DONE) if one.key == "review" else one
        for one in DEFAULT_WORKFLOW.statuses
    )
    await put(world, NewWorkflow(statuses=statuses))

    item = await world.reads.get("TM-1", actor=world.actor)
    assert (item.status, item.status_category, item.version) == ("review", "done", 3)
    assert item.completed_at == entered, "it came into the status then"
    assert not (await world.reads.get("TM-2", actor=world.actor)).is_blocked
    assert (await world.fact_types())[-2:] == ["WorkflowChanged", "WorkItemUnblocked"]
    _, burndown = await world.sprints.burndown(sprint.id, actor=world.actor)
    assert (burndown.final.done_points, burndown.final.done_count) == (3, 1)
    [newest, *_] = (await world.reads.activity("TM-1", PageRequest(), actor=world.actor)).items
    assert (newest.field, newest.new_value) == ("status_category", "done")
    assert await keys(world, "is:done") == ["TM-1"]


async def test_workflows_integration_reports_still_know_statuses_that_are_gone(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.an_item(status="todo")
    world.clock.advance(HOUR)
    await to(world, "TM-1", "in_progress")
    world.clock.advance(HOUR)
    await to(world, "TM-1", "done")
    await put(world, structs.replace(OWN, moves=MOVES))
    done = await world.reports.flow("TM", Period(), actor=world.actor)
    days = await world.reports.cumulative_flow("TM", Period(), actor=world.actor)

    assert (done.lead.count, done.cycle.count) == (1, 1)
    assert (done.lead.seconds[50], done.cycle.seconds[50]) == (2 * HOUR, HOUR)
    assert days[-1].counts[Category.DONE] == 1
    # They are known for the past alone.
    with pytest.raises(UnknownStatus):
        await world.an_item(status="in_progress")


async def test_workflows_integration_imports_read_words_as_statuses_of_the_project(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await put(world)
    await world.import_text(
        "title,status\na,Ready to go\nb,In Progress\nc,closed\nd,inbox\ne,\nf,Backlog\n"
    )
    found = {
        item.title: item.status
        for item in (
            await world.reads.list(WorkItemFilter(), PageRequest(), actor=world.actor)
        ).items
    }

    assert found == {
        "a": "ready", "b": "doing", "c": "shipped", "d": "inbox", "e": "ready", "f": "inbox",
    }  # fmt: skip


async def test_workflows_integration_closing_a_duplicate_takes_the_status_that_ends(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await put(world)
    await world.an_item()
    await world.an_item()
    await world.a_link("TM-2", "TM-1", "duplicates", close=True)

    assert (await world.reads.get("TM-2", actor=world.actor)).status == "shipped"


async def test_workflows_integration_refuse_what_contradicts_itself(world: BoardWorld) -> None:
    await world.a_project()
    with pytest.raises(InvalidWorkflow):
        await put(world, structs.replace(OWN, initial="doing"))
    with pytest.raises(InvalidWorkflow):
        await put(world, structs.replace(OWN, moves={"todo": "nowhere"}))

    assert (await world.workflows.get("TM", actor=world.actor)).version == 1
    assert "WorkflowChanged" not in await world.fact_types()


@pytest.mark.each_database(reason="transactions race")
async def test_workflows_integration_no_item_stays_in_a_status_that_is_removed_meanwhile(
    world: BoardWorld,
) -> None:
    await world.a_project()
    for _ in range(16):
        await world.an_item(status="todo")
    # Items to do stay as they are: only the lock of workflows makes their writers wait.
    kept = tuple(one for one in DEFAULT_WORKFLOW.statuses if one.key != "in_progress")

    async def move(number: int) -> None:
        await to(world, f"TM-{number + 1}", "in_progress")

    results = await asyncio.gather(
        *map(move, range(8)),
        put(world, NewWorkflow(statuses=kept, moves={"in_progress": "review"})),
        *map(move, range(8, 16)),
        world.an_item(status="in_progress"),
        return_exceptions=True,
    )

    refused = [one for one in results if isinstance(one, BaseException)]
    assert all(isinstance(one, UnknownStatus) for one in refused), refused
    rows = await world.rows(
        "SELECT status, status_category FROM work_items WHERE tenant_id = :tenant_id"
    )
    assert {tuple(row) for row in rows} <= {("todo", "unstarted"), ("review", "started")}


async def test_workflows_integration_guards_hold_what_comes_in_from_outside(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("SEA")
    ada = await world.a_person()
    await put(world, guarded(Guard(type=GuardType.ASSIGNEE)))
    with pytest.raises(TransitionGuarded) as refused:
        await world.an_item(status="shipped")
    await world.an_item(status="doing")
    made = await world.an_item(status="shipped", assignee_id=ada)
    # There and back again: what the way through another project would go round.
    there = await world.an_item(project="SEA", status="done")
    with pytest.raises(TransitionGuarded) as held:
        await world.transfers.transfer(there.key, NewTransfer(project="TM"), actor=world.actor)
    await world.items.change(there.key, WorkItemChanges(assignee_id=ada), actor=world.actor)
    back = await world.transfers.transfer(there.key, NewTransfer(project="TM"), actor=world.actor)

    told = "To come in as shipped the workflow has conditions. requires_assignee: assign"
    assert refused.value.message.startswith(told)
    assert held.value.message.startswith(told)
    assert (made.status, back.item.status) == ("shipped", "shipped")
    assert made.key == "TM-2", "what was refused took no number"
