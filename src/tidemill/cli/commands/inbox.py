"""`tidemill inbox`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode, options_named
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when
from tidemill.cli.times import instant_after, second_of

app = group("See what happened to the work items that concern you, and why you hear of it.")

_seq_max: Final = 2**53
_COLUMNS: list[Column] = [
    ("ITEM", lambda row: row["item_key"] or "gone"),
    ("TITLE", lambda row: "(deleted)" if row["is_item_deleted"] else row["title"]),
    ("WHY", lambda row: " ".join(row["reasons"])),
    ("NEWS", "event_count"),
    ("STATE", lambda row: "" if row["is_read"] else "unread"),
    ("AT", when("at")),
    ("ID", "id"),
]
_REASONS: list[Column] = [
    ("REASON", "reason"),
    ("INBOX", lambda row: "on" if row["inbox"] else "off"),
    ("MAIL", "mail"),
    ("SAID BY", lambda row: "default" if row["is_default"] else "you"),
]
Notification = Annotated[str, typer.Argument(help="The notification's id.")]
Project = Annotated[str | None, typer.Option("--project", "-p", help="Key or id of a project.")]


@app.command(
    "list",
    examples=("tidemill inbox list", "tidemill inbox list --folder unread --reason mentioned"),
)
def list_(
    folder: Annotated[
        str, typer.Option(help="What of it: inbox, unread, snoozed or archived.")
    ] = "inbox",
    reason: Annotated[str | None, typer.Option(help="Only with this reason.")] = None,
    project: Project = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List your notifications, newest first."""
    with options_named(folder="--folder", reason="--reason", project_id="--project"):
        rows = connect().pages(
            "/notifications",
            limit=limit_of(limit, all_),
            folder=folder,
            reason=reason,
            project_id=project,
        )
        emit_rows(list(rows), _COLUMNS, "Nothing here.")


@app.command(examples=("tidemill inbox read 0199…", "tidemill inbox read --all -p TM"))
def read(
    notification: Annotated[str | None, typer.Argument(help="The notification's id.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Whatever there is by now.")] = False,
    project: Project = None,
) -> None:
    """Mark a notification, or all that there are, as read."""
    if (notification is None) is not all_:
        raise CommandFailed("Name a notification, or say --all.", ExitCode.USAGE)
    if notification is not None:
        _change(notification, {"is_read": True}, "Read.")
        return
    body = {"through_seq": _seq_max, "project_id": project}
    with options_named(project_id="--project"):
        done = connect().post("/notifications/read", body)
    emit(done, f"{done['read']} read.")


@app.command(examples=("tidemill inbox unread 0199…",))
def unread(notification: Notification) -> None:
    """Mark a notification as unread; it is back in the inbox."""
    _change(notification, {"is_read": False}, "Unread.")


@app.command(examples=("tidemill inbox archive 0199…",))
def archive(notification: Notification) -> None:
    """Put a notification away until something new happens."""
    _change(notification, {"is_archived": True}, "Archived.")


@app.command(
    examples=("tidemill inbox snooze 0199… 2h", "tidemill inbox snooze 0199… 2026-12-01T08:00Z")
)
def snooze(
    notification: Notification,
    until: Annotated[str, typer.Argument(help="For how long, such as 2h, or until when.")],
) -> None:
    """Let a notification come back later, unread."""
    at = second_of(until) if "-" in until else second_of(instant_after(until))
    _change(notification, {"snoozed_until": at}, "Snoozed.")


@app.command(examples=("tidemill inbox events 0199…",))
def events(notification: Notification, limit: Limit = 50, all_: All = False) -> None:
    """List what happened to the item of a notification, newest first."""
    path = f"/notifications/{segment(notification)}/events"
    columns: list[Column] = [
        ("AT", when("at")),
        ("WHY", "reason"),
        ("BY", lambda row: row["user_id"] or row["actor_id"]),
        ("FIELD", "field"),
        ("FROM", "old_value"),
        ("TO", "new_value"),
        ("COMMENT", "comment_id"),
    ]
    emit_rows(list(connect().pages(path, limit=limit_of(limit, all_))), columns, "Nothing.")


@app.command(
    examples=(
        "tidemill inbox preferences",
        "tidemill inbox preferences --reason mentioned --mail at_once",
        "tidemill inbox preferences --reason changed --inbox off --mail off",
        "tidemill inbox preferences --hour 7",
        "tidemill inbox preferences --no-mail",
    )
)
def preferences(
    reason: Annotated[str | None, typer.Option(help="Which reason the choice is of.")] = None,
    inbox: Annotated[str | None, typer.Option(help="on or off.")] = None,
    mail: Annotated[str | None, typer.Option(help="off, at_once or digest.")] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Let the tenant's default hold again.")
    ] = False,
    hour: Annotated[
        int | None, typer.Option(help="Hour of the digest, in your own time zone.")
    ] = None,
    any_mail: Annotated[
        bool | None, typer.Option("--any-mail/--no-mail", help="Mail at all, or none.")
    ] = None,
) -> None:
    """Show of what you hear, and how; or choose it."""
    body = _chosen(reason, inbox, mail, default=default)
    if hour is not None:
        body["digest_hour"] = hour
    if any_mail is not None:
        body["is_mail_stopped"] = not any_mail
    client = connect()
    with options_named(reasons="--reason", digest_hour="--hour"):
        path = "/notification-preferences"
        found: dict[str, Any] = client.patch(path, body) if body else client.get(path)
    rows = [{"reason": name, **wish} for name, wish in found["reasons"].items()]
    if body:
        emit(found, "Kept.")
    else:
        emit_rows(rows, _REASONS, "None.")


@app.command(examples=("tidemill inbox mute TM",))
def mute(project: Annotated[str, typer.Argument(help="Key or id of a project.")]) -> None:
    """Hear of nothing in a project."""
    connect().put(f"/notification-preferences/muted-projects/{segment(project)}", None)
    emit({"project": project, "is_muted": True}, f"You hear of nothing in {project}.")


@app.command(examples=("tidemill inbox unmute TM",))
def unmute(project: Annotated[str, typer.Argument(help="Key or id of a project.")]) -> None:
    """Hear of a project again."""
    connect().delete(f"/notification-preferences/muted-projects/{segment(project)}")
    emit({"project": project, "is_muted": False}, f"You hear of {project} again.")


def _change(notification: str, body: dict[str, Any], told: str) -> None:
    with options_named(snoozed_until="UNTIL"):
        emit(connect().patch(f"/notifications/{segment(notification)}", body), told)


def _chosen(
    reason: str | None, inbox: str | None, mail: str | None, *, default: bool
) -> dict[str, Any]:
    said = inbox is not None or mail is not None or default
    if reason is None:
        if said:
            raise CommandFailed("Say which reason the choice is of: --reason.", ExitCode.USAGE)
        return {}
    if not said or (default and (inbox or mail)):
        told = "Say --inbox, --mail or, alone, --default."
        raise CommandFailed(told, ExitCode.USAGE)
    if inbox not in {None, "on", "off"}:
        raise CommandFailed("--inbox is on or off.", ExitCode.USAGE)
    wish: dict[str, Any] = {}
    if inbox is not None:
        wish["inbox"] = inbox == "on"
    if mail is not None:
        wish["mail"] = mail
    return {"reasons": {reason: None if default else wish}}
