"""`tidemill kinds`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows

app = group("List, make and change kinds of work items: which hang below which.")


def _yes(name: str) -> Any:
    return lambda row: "yes" if row[name] else None


_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("NAME", "name"),
    ("BELOW", lambda row: ", ".join(row["parents"])),
    ("TOP LEVEL", _yes("top_level")),
    ("IN SPRINTS", _yes("in_sprints")),
    ("COLOR", "color"),
    ("ICON", "icon"),
    ("RETIRED", _yes("retired_at")),
]
Kind = Annotated[str, typer.Argument(help="The kind's key, such as story.")]
Color = Annotated[str | None, typer.Option(help="As #rrggbb.")]
Icon = Annotated[str | None, typer.Option(help="A short text, such as an emoji; empty: none.")]
Below = Annotated[
    list[str] | None, typer.Option(help="A kind under which it may hang; may be repeated.")
]
TopLevel = Annotated[
    bool | None,
    typer.Option("--top-level/--not-top-level", help="May it hang right under the project?"),
]
InSprints = Annotated[
    bool | None, typer.Option("--in-sprints/--not-in-sprints", help="Do sprints take it?")
]


@app.command("list", examples=("tidemill kinds list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List kinds in their order, the usual ones first."""
    rows = list(connect().pages("/item-kinds", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No kinds.")


@app.command(
    examples=(
        "tidemill kinds create feature --name Feature --below epic --above story",
        "tidemill kinds create spike --name Spike --in-sprints",
    )
)
def create(  # noqa: PLR0913, PLR0917 - one for each field
    key: Annotated[str, typer.Argument(help="What items say: lower-case letters and digits.")],
    name: Annotated[str | None, typer.Option(help="What people read; else the key.")] = None,
    below: Below = None,
    above: Annotated[
        list[str] | None, typer.Option(help="A kind that may hang under it; may be repeated.")
    ] = None,
    color: Color = None,
    icon: Icon = None,
    top_level: TopLevel = None,
    in_sprints: InSprints = None,
) -> None:
    """Make a kind of the tenant's own."""
    body = {
        "key": key,
        "name": name or key.replace("_", " ").capitalize(),
        "parents": below,
        "children": above,
        "color": color,
        "icon": icon or None,
        "top_level": top_level,
        "in_sprints": in_sprints,
    }
    made = connect().post("/item-kinds", {word: v for word, v in body.items() if v is not None})
    emit(made, f"Made the kind {made['key']}.")


@app.command(
    examples=(
        "tidemill kinds update task --below story --below bug --below epic",
        "tidemill kinds update feature --name Capability --color '#0072b2'",
    )
)
def update(  # noqa: PLR0913, PLR0917 - one for each field
    kind: Kind,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    below: Below = None,
    color: Color = None,
    icon: Icon = None,
    top_level: TopLevel = None,
    in_sprints: InSprints = None,
) -> None:
    """Change a kind: what is not named stays; --below names all kinds above it."""
    given = {
        "name": name,
        "parents": below,
        "color": color,
        "top_level": top_level,
        "in_sprints": in_sprints,
    }
    body: dict[str, Any] = {word: value for word, value in given.items() if value is not None}
    if icon is not None:
        body["icon"] = icon or None
    if not body:
        raise CommandFailed("Say what to change, e.g. --name Feature.", ExitCode.USAGE)
    _change(kind, body)


@app.command(examples=("tidemill kinds retire feature",))
def retire(kind: Kind) -> None:
    """Let no item get a kind any more; those that have it stay."""
    _change(kind, {"retired": True})


@app.command(examples=("tidemill kinds revive feature",))
def revive(kind: Kind) -> None:
    """Offer a retired kind again."""
    _change(kind, {"retired": False})


@app.command(examples=("tidemill kinds delete feature --move-to story",))
def delete(
    kind: Kind,
    move_to: Annotated[
        str | None, typer.Option(help="The kind that its items shall have from now on.")
    ] = None,
) -> None:
    """Delete a kind of the tenant's own."""
    connect().delete(f"/item-kinds/{segment(kind)}", move_to=move_to)
    emit({"key": kind}, f"Deleted the kind {kind}.")


def _change(kind: str, body: dict[str, Any]) -> None:
    changed = connect().patch(f"/item-kinds/{segment(kind)}", body)
    emit(changed, f"{changed['key']} is at version {changed['version']}.")
