"""`tidemill items transfer`: work items go to another project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode, hints, options_named
from tidemill.cli.lazy import group
from tidemill.cli.output import emit

transfer_app = group("Take work items to other projects.")

_OPTIONS: Final = {
    "children": "--take-children or --leave-children",
    "parent_id": "--parent",
    "project_id": "PROJECT",
}
_HINTS: Final = {
    "CHILDREN_UNDECIDED": "--take-children or --leave-children",
    "PARENT_STAYS_BEHIND": '--parent "" or --parent KEY',
}


@transfer_app.command(
    examples=(
        "tidemill items transfer TM-7 SEA",
        "tidemill items transfer TM-2 SEA --take-children --parent SEA-1",
        'tidemill items transfer TM-3 SEA --parent ""',
    )
)
def transfer(
    item: Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")],
    project: Annotated[str, typer.Argument(help="Key or id of the project that it goes to.")],
    *,
    take_children: Annotated[
        bool, typer.Option("--take-children", help="The items below it go along.")
    ] = False,
    leave_children: Annotated[
        bool, typer.Option("--leave-children", help="The items below it stay, without a parent.")
    ] = False,
    parent: Annotated[
        str | None, typer.Option(help="Its parent there, by key or id; empty: none.")
    ] = None,
    if_version: Annotated[int | None, typer.Option(help="Only when it still has this.")] = None,
) -> None:
    """Take a work item to another project; its former key goes on naming it."""
    if take_children and leave_children:
        told = "Say --take-children or --leave-children, not both."
        raise CommandFailed(told, ExitCode.USAGE)
    body: dict[str, Any] = {"project_id": project}
    if take_children or leave_children:
        body["children"] = "take" if take_children else "leave"
    if parent is not None:
        body["parent_id"] = parent or None
    headers = {"If-Match": f'"v{if_version}"'} if if_version is not None else None
    with options_named(**_OPTIONS), hints(**_HINTS):
        made = connect().post(f"/work-items/{segment(item)}/transfers", body, headers=headers)
    emit(made, "\n".join(_told(made)))


def _told(made: Any) -> Iterator[str]:
    """Yield what a person wants to know of a transfer."""
    if not made["items"]:
        yield f"{made['work_item']['key']} is there already."
    for item in made["items"]:
        left = [f"the label {name}" for name in item["labels_left"]]
        left += [f"the field {key}" for key in item["custom_fields_left"]]
        if item["status_left"]:
            left.append(f"the status {item['status_left']}")
        if item["sprint_left"]:
            left.append(f"the sprint {item['sprint_left']}")
        if item["external_id_left"]:
            left.append(f"the external id {item['external_id_left']}")
        without = f", without {' and '.join(left)}" if left else ""
        yield f"{item['old_key']} is {item['key']}{without}."
    if made["parent_left"]:
        yield f"Its parent {made['parent_left']} stayed."
    if made["children_left"]:
        yield f"These stayed and have no parent now: {', '.join(made['children_left'])}."
