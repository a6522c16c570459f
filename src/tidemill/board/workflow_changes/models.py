"""What may be a workflow, and what a change of it means for items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from tidemill.board.label_errors import InvalidColor
from tidemill.board.labels.models import valid_color
from tidemill.board.texts import name_key, single_line
from tidemill.board.workflow_errors import InvalidWorkflow
from tidemill.board.workflows.guards import GUARDED_FIELDS
from tidemill.board.workflows.models import (
    WAITING,
    Category,
    Guard,
    GuardType,
    Status,
    Transitions,
    Workflow,
)
from tidemill.core.clock import Instant

statuses_max: Final = 50
status_name_chars_max: Final = 50
guards_per_move_max: Final = 10
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Rule(Struct, frozen=True, kw_only=True):
    """Moves from one status to some others, all on the same conditions."""

    source: str
    targets: tuple[str, ...]
    guards: tuple[Guard, ...] = ()


class NewWorkflow(Struct, frozen=True, kw_only=True):
    """What a caller gives to replace a workflow.

    Without `initial` items begin in the first status in which nobody works yet, without `rules`
    each status leads to every other. `moves` says where items of removed statuses go.
    """

    statuses: tuple[Status, ...]
    initial: str | None = None
    rules: tuple[Rule, ...] | None = None
    moves: Mapping[str, str] = {}


class ProjectWorkflow(Struct, frozen=True, kw_only=True):
    """The workflow of a project; version 1 is the default one, which nobody has set."""

    project_id: str
    version: int
    workflow: Workflow
    updated_at: Instant | None = None
    updated_by: str | None = None


class Step(Struct, frozen=True):
    """Items of the status `old` come into `new`, which may be the same one with another meaning."""

    old: str
    new: str
    meant: Category
    means: Category

    @property
    def is_move(self) -> bool:
        """Return whether the items change their status, and not its meaning alone."""
        return self.old != self.new


def new_workflow(wanted: NewWorkflow, current: Workflow) -> Workflow:
    """Return the workflow that shall follow `current`; raises `InvalidWorkflow`."""
    statuses = _statuses(wanted.statuses)
    keys = {status.key for status in statuses}
    waiting = [status.key for status in statuses if status.category in WAITING]
    if not waiting:
        raise InvalidWorkflow("statuses", "new items need one of the category unstarted or backlog")
    if all(status.category is not Category.DONE for status in statuses):
        raise InvalidWorkflow("statuses", "one must be of the category done.")
    initial = wanted.initial or waiting[0]
    if initial not in waiting:
        raise InvalidWorkflow("initial", f"new items can begin in: {', '.join(waiting)}.")
    _check_moves(wanted.moves, current, keys)
    gone = {status.key: status.category for status in current.statuses if status.key not in keys}
    return Workflow(
        statuses=statuses,
        initial=initial,
        transitions=None if wanted.rules is None else _transitions(wanted.rules, keys),
        former={key: one for key, one in {**current.former, **gone}.items() if key not in keys},
    )


def steps_between(
    current: Workflow, wanted: Workflow, moves: Mapping[str, str]
) -> tuple[Step, ...]:
    """Return what items of statuses that are gone, or mean something else now, go through."""
    means = wanted.categories
    steps = (
        Step(one.key, (new := moves.get(one.key, one.key)), one.category, means[new])
        for one in current.statuses
        if one.key in means or one.key in moves
    )
    return tuple(step for step in steps if step.is_move or step.meant is not step.means)


def removed(current: Workflow, wanted: Workflow) -> list[str]:
    """Return the statuses that `wanted` lacks."""
    return [status.key for status in current.statuses if status.key not in wanted.categories]


def rules_of(transitions: Transitions | None) -> tuple[Rule, ...] | None:
    """Return moves with those of one source and the same conditions together."""
    if transitions is None:
        return None
    rules: list[Rule] = []
    for source, following in transitions.items():
        together: dict[tuple[Guard, ...], list[str]] = {}
        for target, guards in following.items():
            together.setdefault(guards, []).append(target)
        rules += (
            Rule(source=source, targets=tuple(targets), guards=guards)
            for guards, targets in together.items()
        )
    return tuple(rules)


def _statuses(given: Sequence[Status]) -> tuple[Status, ...]:
    if len(given) > statuses_max:
        raise InvalidWorkflow("statuses", f"there are {len(given)}; {statuses_max} are the limit.")
    statuses, keys, names = [], set[str](), set[str]()
    for place, status in enumerate(given):
        param = f"statuses[{place}]"
        if _KEY.fullmatch(status.key) is None:
            raise InvalidWorkflow(
                f"{param}.key",
                "a key is 1 to 40 lower-case letters, digits and underscores, a letter first.",
            )
        name = single_line(status.name, param=f"{param}.name", chars_max=status_name_chars_max)
        _add(keys, status.key, f"{param}.key")
        _add(names, name_key(name), f"{param}.name")
        color = _color(status.color, f"{param}.color")
        statuses.append(structs.replace(status, name=name, color=color))
    return tuple(statuses)


def _add(known: set[str], text: str, param: str) -> None:
    if text in known:
        raise InvalidWorkflow(param, "another status has it already.")
    known.add(text)


def _color(text: str | None, param: str) -> str | None:
    if text is None:
        return None
    try:
        return valid_color(text)
    except InvalidColor as error:
        raise InvalidWorkflow(param, error.message) from error


def _transitions(rules: Iterable[Rule], keys: set[str]) -> Transitions:
    found: dict[str, dict[str, tuple[Guard, ...]]] = {}
    for place, rule in enumerate(rules):
        param = f"transitions[{place}]"
        _check_known(rule.source, keys, f"{param}.from")
        guards = _guards(rule.guards, f"{param}.guards")
        following = found.setdefault(rule.source, {})
        for target in rule.targets:
            _check_known(target, keys, f"{param}.to")
            if target == rule.source:
                raise InvalidWorkflow(f"{param}.to", f"{target} leads to itself.")
            if target in following:
                raise InvalidWorkflow(
                    f"{param}.to", f"the move from {rule.source} to {target} is there already."
                )
            following[target] = guards
    return found


def _guards(guards: Sequence[Guard], param: str) -> tuple[Guard, ...]:
    if len(guards) > guards_per_move_max:
        raise InvalidWorkflow(
            param, f"there are {len(guards)}; {guards_per_move_max} are the limit."
        )
    for place, guard in enumerate(guards):
        at = f"{param}[{place}]"
        if guard.type is GuardType.FIELD and guard.field not in GUARDED_FIELDS:
            raise InvalidWorkflow(f"{at}.field", f"name one of: {', '.join(GUARDED_FIELDS)}.")
        if guard.type is not GuardType.FIELD and guard.field is not None:
            raise InvalidWorkflow(f"{at}.field", "requires_field alone has one.")
        if guard.type is GuardType.ROLE and guard.role is None:
            raise InvalidWorkflow(f"{at}.role", "name the least role that may do this.")
        if guard.type is not GuardType.ROLE and guard.role is not None:
            raise InvalidWorkflow(f"{at}.role", "requires_role alone has one.")
        if guard in guards[:place]:
            raise InvalidWorkflow(at, "it is there already.")
    return tuple(guards)


def _check_moves(moves: Mapping[str, str], current: Workflow, keys: set[str]) -> None:
    for old, new in moves.items():
        # What was removed before may be named again: a file can be put twice.
        if old in keys or current.category_of(old) is None:
            raise InvalidWorkflow("moves", f"{old} is no status that this change removes.")
        _check_known(new, keys, "moves")


def _check_known(status: str, keys: set[str], param: str) -> None:
    if status not in keys:
        raise InvalidWorkflow(param, f"{status} is none of the statuses of this workflow.")
