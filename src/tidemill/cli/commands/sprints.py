"""`tidemill sprints`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, when
from tidemill.cli.sprint_names import sprint_id_of

app = group("Plan sprints, start and end them, see how they go.")

_bar_length: Final = 40

_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("STATUS", "status"),
    ("FROM", "start_date"),
    ("TO", "end_date"),
    ("GOAL", "goal"),
    ("ID", "id"),
]
_FIELDS: list[Column] = [
    ("Name", "name"),
    ("Status", "status"),
    ("From", "start_date"),
    ("To", "end_date"),
    ("Goal", "goal"),
    ("Started", when("started_at")),
    ("Ended", when("ended_at")),
    ("Version", "version"),
    ("Id", "id"),
]

SprintName = Annotated[str, typer.Argument(metavar="SPRINT", help="Its name, with -p, or its id.")]
Project = Annotated[str | None, typer.Option("--project", "-p", help="The project's key or id.")]
Items = Annotated[list[str], typer.Argument(help="Keys or ids of work items.")]
UnfinishedTo = Annotated[
    str | None,
    typer.Option(
        "--unfinished-to", help="The sprint that takes what is not done; else the backlog does."
    ),
]


@app.command(
    "list", examples=("tidemill sprints list TM", "tidemill sprints list TM --status active")
)
def list_(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    status: Annotated[
        str | None, typer.Option(help="planned, active, completed or cancelled.")
    ] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List the sprints of a project, the latest start first."""
    rows = connect().pages(
        "/sprints", limit=limit_of(limit, all_), project_id=project, status=status
    )
    emit_rows(list(rows), _COLUMNS, "No sprints.")


@app.command(
    examples=('tidemill sprints create TM "Spring tide" --from 2026-11-23 --to 2026-12-04',)
)
def create(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    name: Annotated[str, typer.Argument(help="What it is called.")],
    start: Annotated[str, typer.Option("--from", help="Its first day, such as 2026-11-23.")],
    end: Annotated[str, typer.Option("--to", help="Its last day.")],
    goal: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Plan a sprint."""
    body = {"project_id": project, "name": name, "start_date": start, "end_date": end}
    if goal is not None:
        body["goal"] = goal
    made = connect().post("/sprints", body)
    emit(made, f"Planned {made['name']}.")


@app.command(examples=('tidemill sprints show "Spring tide" -p TM',))
def show(sprint: SprintName, project: Project = None) -> None:
    """Show a sprint and how its work goes down."""
    client = connect()
    found = client.get(f"/sprints/{sprint_id_of(client, sprint, project)}/burndown")
    emit(found, lambda: "\n".join((fields(found["sprint"], _FIELDS), "", *_chart(found))))


@app.command(examples=('tidemill sprints change "Spring tide" -p TM --to 2026-12-11',))
def change(
    sprint: SprintName,
    project: Project = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    goal: Annotated[str | None, typer.Option(help="Another goal.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Another first day.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Another last day.")] = None,
) -> None:
    """Change a sprint that has not ended."""
    client = connect()
    wanted = {"name": name, "goal": goal, "start_date": start, "end_date": end}
    body = {key: value for key, value in wanted.items() if value is not None}
    if not body:
        raise CommandFailed("Say what shall change, such as --to 2026-12-11.", ExitCode.USAGE)
    changed = client.patch(f"/sprints/{sprint_id_of(client, sprint, project)}", body)
    emit(changed, f"Changed {changed['name']}.")


@app.command(examples=('tidemill sprints add "Spring tide" TM-3 TM-4 -p TM',))
def add(sprint: SprintName, items: Items, project: Project = None) -> None:
    """Put work items into a sprint."""
    client = connect()
    _plan(client, items, sprint_id_of(client, sprint, project))


@app.command(examples=("tidemill sprints remove TM-3 TM-4",))
def remove(items: Items) -> None:
    """Take work items out of their sprints, back into the backlog."""
    _plan(connect(), items, None)


@app.command(examples=('tidemill sprints start "Spring tide" -p TM',))
def start(sprint: SprintName, project: Project = None) -> None:
    """Begin a planned sprint."""
    client = connect()
    begun = client.post(f"/sprints/{sprint_id_of(client, sprint, project)}/start", None)
    emit(begun, f"Started {begun['name']}.")


@app.command(
    examples=(
        'tidemill sprints complete "Spring tide" -p TM',
        'tidemill sprints complete "Spring tide" -p TM --unfinished-to "Neap tide"',
    )
)
def complete(
    sprint: SprintName, project: Project = None, unfinished_to: UnfinishedTo = None
) -> None:
    """Complete the active sprint; what is not done is carried over in the same step."""
    _end("complete", sprint, project, unfinished_to)


@app.command(examples=('tidemill sprints cancel "Spring tide" -p TM',))
def cancel(sprint: SprintName, project: Project = None, unfinished_to: UnfinishedTo = None) -> None:
    """Give a sprint up; what is not done is carried over in the same step."""
    _end("cancel", sprint, project, unfinished_to)


@app.command(examples=('tidemill sprints delete "Spring tide" -p TM',))
def delete(sprint: SprintName, project: Project = None) -> None:
    """Delete a sprint that holds no items."""
    client = connect()
    sprint_id = sprint_id_of(client, sprint, project)
    client.delete(f"/sprints/{sprint_id}")
    emit({"deleted": sprint_id}, f"Deleted {sprint}.")


def _end(step: str, sprint: str, project: str | None, unfinished_to: str | None) -> None:
    client = connect()
    body = {
        "unfinished_to": sprint_id_of(client, unfinished_to, project) if unfinished_to else None
    }
    ended = client.post(f"/sprints/{sprint_id_of(client, sprint, project)}/{step}", body)
    count, where = ended["carried_over"], unfinished_to or "the backlog"
    rest = f" {count} not done went to {where}." if count else ""
    emit(ended, f"{ended['sprint']['name']} is {ended['sprint']['status']}.{rest}")


def _plan(client: Client, items: Sequence[str], sprint_id: str | None) -> None:
    changed = [
        client.patch(f"/work-items/{segment(item)}", {"sprint_id": sprint_id}) for item in items
    ]
    where = changed[0]["sprint"]["name"] if sprint_id else "the backlog"
    emit(changed, f"Put {', '.join(item['key'] for item in changed)} into {where}.")


def _chart(course: Mapping[str, Any]) -> Sequence[str]:
    """Return a line for each day: what is left, and a mark where the ideal line runs."""
    unit = "points" if course["committed"]["scope_points"] else "count"
    days = course["days"]
    left = [
        None if day[f"scope_{unit}"] is None else day[f"scope_{unit}"] - day[f"done_{unit}"]
        for day in days
    ]
    most = max(1, *(value or 0 for value in left), *(day[f"ideal_{unit}"] for day in days))
    name = "points" if unit == "points" else "items"
    lines = [f"Left at the end of each day, in {name}; | is the ideal line."]
    for day, value in zip(days, left, strict=True):
        bar = list("█" * round((value or 0) / most * _bar_length)) + [" "] * (_bar_length + 1)
        bar[round(day[f"ideal_{unit}"] / most * _bar_length)] = "|"
        shown = "" if value is None else str(value)
        lines.append(f"{day['date']}  {shown:>6}  {''.join(bar[: _bar_length + 1]).rstrip()}")
    return lines
