"""Options that say which jobs are meant, and changes of all that fit them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Final, get_type_hints

import typer

from tidemill.cli import completing, progress
from tidemill.cli.client import Client, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.output import emit, note
from tidemill.cli.people import actor_id_of
from tidemill.cli.times import instant_of

Path = Annotated[
    str | None,
    typer.Option(
        help="A script or function; * at its end is anything.", autocompletion=completing.scripts
    ),
]
Tag = Annotated[
    str | None, typer.Option(help="Only those with this tag.", autocompletion=completing.tags)
]
Label = Annotated[str | None, typer.Option(help="Only those with this label.")]
Actor = Annotated[str | None, typer.Option(help="Started by them: an e-mail address or an id.")]
Item = Annotated[
    str | None, typer.Option("--work-item", "--item", help="Only those of this work item.")
]
State = Annotated[
    str | None, typer.Option(help="queued, running, failed, …", autocompletion=completing.states)
]
Since = Annotated[str | None, typer.Option(help="Made since then, or in the last 2h, 1d, …")]
Until = Annotated[str | None, typer.Option(help="Made before then, or before 2h ago.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many it would be.")]
SameCode = Annotated[
    bool, typer.Option("--same-code", help="The script's text that ran, not the current one.")
]

Options = dict[str, str | None]
"""What the options of `described_by` say, by their names."""
EVERY: Final = {
    "state": State,
    "path": Path,
    "tag": Tag,
    "label": Label,
    "actor": Actor,
    "item": Item,
    "since": Since,
    "until": Until,
}
DEAD: Final = {name: kind for name, kind in EVERY.items() if name not in {"state", "item"}}


def described_by(options: dict[str, Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options; it gets what they say as `given`, its first parameter."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        _, *own = inspect.signature(command).parameters.values()
        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in options.items()
        ]
        parameters += [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name])
            for one in own
        ]

        @wraps(command)
        def call(**words: Any) -> None:
            command({name: words.pop(name) for name in options}, **words)

        vars(call)["__signature__"] = inspect.Signature(parameters)
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        return call

    return decorate


def query_of(client: Client, *, item: str | None = None, **fields: str | None) -> dict[str, Any]:
    """Return the query or the filter that options say; what is not said is left out."""
    for name in ("since", "until"):
        fields[name] = instant_of(fields.get(name))
    fields["actor"] = actor_id_of(client, fields.get("actor"))
    if item is not None:
        fields["work_item_id"] = client.get(f"/work-items/{segment(item)}")["id"]
    return {name: value for name, value in fields.items() if value is not None}


def one_way(
    jobs: list[str] | None, wanted: dict[str, Any], *, all_: bool | None = None, dry_run: bool
) -> None:
    """Refuse a command that says in two ways which jobs are meant, or in none.

    `all_` is None where there is no option for all. A dry run counts jobs that are described.
    """
    if [bool(jobs), bool(wanted), bool(all_)].count(True) > 1:
        more = "" if all_ is None else ", or --all"
        told = f"Give ids of jobs, or options that describe them{more}: one of these."
        raise CommandFailed(told, ExitCode.USAGE)
    if not jobs and not wanted and not all_:
        more = "" if all_ is None else ", or --all for all that are dead"
        told = f"Which jobs? Give their ids, or options such as --path, --tag or --since{more}."
        raise CommandFailed(told, ExitCode.USAGE)
    if jobs and dry_run:
        told = "--dry-run counts the jobs that options describe; these are named. Leave it out."
        raise CommandFailed(told, ExitCode.USAGE)


def change_all(client: Client, path: str, body: dict[str, Any], verb: str) -> None:
    """Change all jobs that fit, portion by portion, and say how many those were."""
    total: dict[str, Any] = {"matched": 0, "changed": 0, "refused": []}
    cursor: str | None = None
    with progress.shown(f"Jobs {verb}") as show:
        while True:
            found = client.post(path, {**body, **({"cursor": cursor} if cursor else {})})
            total["matched"] += found["matched"]
            total["changed"] += found["changed"]
            total["refused"] += found["refused"]
            for refused in found["refused"]:
                note(f"{refused['id']}: {refused['message']}")
            show(total["changed"])
            cursor = found["next_cursor"]
            if not cursor:
                break
    total["dry_run"] = found["dry_run"]
    more = " or more" if found["more"] else ""
    told = f"{total['changed']} of {total['matched']} jobs were {verb}."
    if found["dry_run"]:
        told = f"{total['matched']}{more} jobs would be {verb}."
    emit(total, told)
