from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tidemill.board.errors import InvalidText
from tidemill.board.workflow_changes.models import (
    NewWorkflow,
    Rule,
    Step,
    new_workflow,
    removed,
    rules_of,
    statuses_max,
    steps_between,
)
from tidemill.board.workflow_errors import InvalidWorkflow
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Category, Guard, GuardType, Status
from tidemill.core.actor import Role

_OPEN: Final = Status(key="open", name="Open", category=Category.UNSTARTED)
_SHUT: Final = Status(key="shut", name="Shut", category=Category.DONE)
_OWN: Final = NewWorkflow(statuses=(_OPEN, _SHUT))


def _ruled(*guards: Guard, source: str = "open", targets: tuple[str, ...] = ("shut",)) -> Any:
    return {"rules": (Rule(source=source, targets=targets, guards=guards),)}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"statuses": (_SHUT,)}, "statuses"),
        ({"statuses": (_OPEN,)}, "statuses"),
        ({"statuses": (_OPEN, _SHUT, _OPEN)}, "statuses[2].key"),
        ({"statuses": (_OPEN, structs.replace(_SHUT, name="oPEN"))}, "statuses[1].name"),
        ({"statuses": (structs.replace(_OPEN, key="In progress"), _SHUT)}, "statuses[0].key"),
        ({"statuses": (structs.replace(_OPEN, key="x" * 41), _SHUT)}, "statuses[0].key"),
        ({"statuses": (structs.replace(_OPEN, color="red"), _SHUT)}, "statuses[0].color"),
        ({"statuses": (_OPEN,) * (statuses_max + 1)}, "statuses"),
        ({"initial": "shut"}, "initial"),
        ({"initial": "none"}, "initial"),
        (_ruled(source="none"), "transitions[0].from"),
        (_ruled(targets=("none",)), "transitions[0].to"),
        (_ruled(targets=("open",)), "transitions[0].to"),
        (_ruled(targets=("shut", "shut")), "transitions[0].to"),
        (_ruled(Guard(type=GuardType.FIELD)), "transitions[0].guards[0].field"),
        (_ruled(Guard(type=GuardType.FIELD, field="job")), "transitions[0].guards[0].field"),
        (_ruled(Guard(type=GuardType.ROLE)), "transitions[0].guards[0].role"),
        (
            _ruled(Guard(type=GuardType.ASSIGNEE, field="points")),
            "transitions[0].guards[0].field",
        ),
        (
            _ruled(Guard(type=GuardType.ASSIGNEE, role=Role.ADMIN)),
            "transitions[0].guards[0].role",
        ),
        (_ruled(*[Guard(type=GuardType.ASSIGNEE)] * 2), "transitions[0].guards[1]"),
        (_ruled(*[Guard(type=GuardType.ASSIGNEE)] * 11), "transitions[0].guards"),
        ({"moves": {"todo": "none"}}, "moves"),
        ({"moves": {"gone": "open"}}, "moves"),
        ({"moves": {"shut": "open"}}, "moves"),
    ],
)
def test_new_workflow_refuses_what_contradicts_itself(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        new_workflow(structs.replace(_OWN, **changes), DEFAULT_WORKFLOW)

    assert refused.value.param == param


def test_new_workflow_refuses_a_name_that_nobody_can_read() -> None:
    with pytest.raises(InvalidText, match=r"statuses\[0\]\.name"):
        new_workflow(
            structs.replace(_OWN, statuses=(structs.replace(_OPEN, name=" "), _SHUT)),
            DEFAULT_WORKFLOW,
        )


def test_new_workflow_remembers_what_statuses_meant() -> None:
    first = new_workflow(_OWN, DEFAULT_WORKFLOW)
    second = new_workflow(NewWorkflow(statuses=(*DEFAULT_WORKFLOW.statuses[:2], _SHUT)), first)

    assert first.initial == "open"
    assert removed(DEFAULT_WORKFLOW, first) == [*DEFAULT_WORKFLOW.categories]
    assert first.category_of("review") is Category.STARTED
    assert second.category_of("review") is Category.STARTED
    assert second.category_of("open") is Category.UNSTARTED
    assert "todo" not in second.former, "it is there again"


def test_steps_between_are_those_of_statuses_that_are_gone_or_mean_something_else() -> None:
    current = new_workflow(_OWN, DEFAULT_WORKFLOW)
    wanted = new_workflow(
        NewWorkflow(
            statuses=(
                Status(key="new", name="New", category=Category.BACKLOG),
                structs.replace(_SHUT, category=Category.CANCELLED),
                Status(key="done", name="Done", category=Category.DONE),
            ),
            moves={"open": "new"},
        ),
        current,
    )

    assert steps_between(current, wanted, {"open": "new"}) == (
        Step("open", "new", Category.UNSTARTED, Category.BACKLOG),
        Step("shut", "shut", Category.DONE, Category.CANCELLED),
    )
    assert steps_between(current, current, {}) == ()


def test_new_workflow_may_be_given_again_with_its_moves() -> None:
    given = structs.replace(_OWN, moves={"todo": "open"})
    made = new_workflow(given, DEFAULT_WORKFLOW)

    assert new_workflow(given, made) == made


@given(st.data())
def test_rules_of_say_the_same_moves_again(data: st.DataObject) -> None:
    keys = [status.key for status in DEFAULT_WORKFLOW.statuses]
    guards = st.sampled_from([(), (Guard(type=GuardType.ASSIGNEE),)])
    pairs = st.tuples(st.sampled_from(keys), st.sampled_from(keys))
    drawn = data.draw(st.dictionaries(pairs.filter(lambda pair: pair[0] != pair[1]), guards))
    rules = tuple(
        Rule(source=source, targets=(target,), guards=held)
        for (source, target), held in drawn.items()
    )
    wanted = NewWorkflow(statuses=DEFAULT_WORKFLOW.statuses, rules=rules)
    made = new_workflow(wanted, DEFAULT_WORKFLOW)

    again = new_workflow(
        structs.replace(wanted, rules=rules_of(made.transitions)), DEFAULT_WORKFLOW
    )

    assert again == made
