"""`tidemill webhooks`."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode, options_named
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, note, wants_json, when

app = group("Send facts to addresses of your own, signed.")

ping_seconds_max: Final = 20.0
_look_seconds: Final = 0.2
_COLUMNS: list[Column] = [
    ("ID", "id"),
    ("URL", "url"),
    ("EVENTS", "events"),
    ("STATE", lambda row: "on" if row["enabled"] else f"off: {row['disabled_reason']}"),
    ("FAILING SINCE", when("failing_since")),
    ("DESCRIPTION", "description"),
]
_DELIVERIES: list[Column] = [
    ("ID", "id"),
    ("EVENT", "event_type"),
    ("STATE", "state"),
    ("ATTEMPTS", "attempts"),
    ("STATUS", "status_code"),
    ("MS", "duration_ms"),
    ("AT", when("attempted_at")),
    ("NEXT", when("next_attempt_at")),
    ("ERROR", "error"),
]
Webhook = Annotated[str, typer.Argument(help="The webhook's id.")]
Delivery = Annotated[str, typer.Argument(help="The delivery's id.")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", "-e", help="An event type, or its begin with *; repeatable."),
]
Project = Annotated[
    str | None, typer.Option("--project", "-p", help="Facts of this project only; key or id.")
]
Filter = Annotated[
    str | None, typer.Option("--filter", help="Facts of work items that pass this filter only.")
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]


@app.command("list", examples=("tidemill webhooks list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List webhooks."""
    rows = list(connect().pages("/webhooks", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No webhooks yet. Make one: tidemill webhooks add URL")


@app.command(
    examples=(
        "tidemill webhooks add https://example.org/hooks -e 'work_item.*' -e job.finished",
        "tidemill webhooks add https://example.org/bugs -p TM --filter 'type:bug priority:high'",
    )
)
def add(
    url: Annotated[str, typer.Argument(help="Where facts are sent to.")],
    event: Events = None,
    project: Project = None,
    filter_: Filter = None,
    description: Description = None,
) -> None:
    """Make a webhook, for all events unless some are named. Its secret is printed this once."""
    body = _given(
        url=url,
        events=event or ["*"],
        project_id=project,
        filter=filter_,
        description=description,
    )
    with options_named(url="URL", events="--event", project_id="--project", filter="--filter"):
        made = connect().post("/webhooks", body)
    note(f"Webhook {made['id']}. Keep its secret now: it is not shown again.")
    emit(made, str(made["secret"]))


@app.command(examples=("tidemill webhooks show 0199…",))
def show(webhook: Webhook) -> None:
    """Show a webhook, without its secret."""
    found = _read(connect(), webhook)
    emit(found, lambda: "\n".join(f"{name}: {value}" for name, value in _words(found)))


@app.command(
    examples=(
        "tidemill webhooks update 0199… --enable",
        "tidemill webhooks update 0199… -e 'job*' --description 'Tells the pager'",
    )
)
def update(  # noqa: PLR0913, PLR0917 - one for each field
    webhook: Webhook,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    event: Events = None,
    project: Project = None,
    filter_: Filter = None,
    description: Description = None,
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Send again, or no more.")
    ] = None,
) -> None:
    """Change a webhook; an empty --project or --filter removes it."""
    body = _given(url=url, events=event or None, description=description, enabled=enable)
    for name, value in (("project_id", project), ("filter", filter_)):
        if value is not None:
            body[name] = value or None
    if not body:
        raise CommandFailed("Say what to change, e.g. --enable.", ExitCode.USAGE)
    with options_named(url="--url", events="--event", project_id="--project", filter="--filter"):
        changed = connect().patch(f"/webhooks/{segment(webhook)}", body)
    state = "on" if changed["enabled"] else "off"
    emit(changed, f"It is at version {changed['version']}, and {state}.")


@app.command(examples=("tidemill webhooks delete 0199…",))
def delete(webhook: Webhook) -> None:
    """Delete a webhook with its log; nothing more is sent."""
    connect().delete(f"/webhooks/{segment(webhook)}")
    emit({"id": webhook}, "Deleted.")


@app.command(
    examples=(
        "tidemill webhooks deliveries 0199…",
        "tidemill webhooks deliveries 0199… --state failed",
    )
)
def deliveries(
    webhook: Webhook,
    state: Annotated[
        str | None, typer.Option(help="Only what is pending, delivered or failed.")
    ] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List what was sent and what waits, newest first."""
    path = f"/webhooks/{segment(webhook)}/deliveries"
    rows = list(connect().pages(path, limit=limit_of(limit, all_), state=state))
    emit_rows(rows, _DELIVERIES, "Nothing was sent yet. Try it: tidemill webhooks ping ID")


@app.command(examples=("tidemill webhooks replay 0199… 0199…",))
def replay(webhook: Webhook, delivery: Delivery) -> None:
    """Send a delivery again, now, under its id; exit code 1 says that it was not delivered."""
    client = connect()
    path = f"/webhooks/{segment(webhook)}/deliveries/{segment(delivery)}"
    begun = client.post(f"{path}/replay", None)
    _tell(_ended(client, path, attempts=begun["attempts"]))


@app.command(examples=("tidemill webhooks ping 0199…",))
def ping(webhook: Webhook) -> None:
    """Send `webhook.ping` now, and tell what was answered.

    Exit code 1 says that it was not delivered.
    """
    client = connect()
    pinged = client.post(f"/webhooks/{segment(webhook)}/ping", None)
    path = f"/webhooks/{segment(webhook)}/deliveries/{segment(pinged['id'])}"
    _tell(_ended(client, path, attempts=pinged["attempts"]))


@app.command(
    examples=("tidemill webhooks rotate 0199…", "tidemill webhooks rotate 0199… --hours 0")
)
def rotate(
    webhook: Webhook,
    hours: Annotated[
        float, typer.Option(min=0, max=168, help="How long the secret before it signs, too.")
    ] = 24.0,
) -> None:
    """Make a new secret, which is printed this once."""
    body = {"overlap_seconds": round(hours * 3600)}
    made = connect().post(f"/webhooks/{segment(webhook)}/rotate", body)
    note(f"For {hours:g} hours deliveries are signed with both secrets. Keep this one now.")
    emit(made, str(made["secret"]))


@app.command(examples=("tidemill webhooks events",))
def events(limit: Limit = 200, all_: All = False) -> None:
    """List the event types that webhooks can hear of."""
    rows = list(connect().pages("/webhook-event-types", limit=limit_of(limit, all_)))
    emit_rows(rows, [("EVENT", "name"), ("FACT", "fact"), ("MEANING", "meaning")], "None.")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _read(client: Client, webhook: str) -> dict[str, Any]:
    return dict(client.get(f"/webhooks/{segment(webhook)}"))


def _words(found: dict[str, Any]) -> list[tuple[str, object]]:
    told = {**found, "events": " ".join(found["events"])}
    return [(name, value) for name, value in told.items() if value not in {None, ""}]


def _ended(client: Client, path: str, *, attempts: int) -> dict[str, Any]:
    """Return the delivery once an attempt after its first `attempts` is over, or after a while."""
    give_up_at = time.monotonic() + ping_seconds_max
    while True:
        found: dict[str, Any] = client.get(path)
        waits = found["state"] == "pending" and found["attempts"] == attempts
        if not waits or time.monotonic() > give_up_at:
            return found
        time.sleep(_look_seconds)


def _tell(delivery: dict[str, Any]) -> None:
    """Print how a delivery went; raises `CommandFailed` where nothing was delivered."""
    status, error = delivery["status_code"], delivery["error"]
    took = f"{delivery['duration_ms']} ms"
    told = {
        "delivered": f"Delivered: {status} within {took}.",
        "failed": f"Not delivered: {error}",
        "pending": f"Not yet delivered{': ' + error if error else ''}",
    }
    if delivery["state"] == "delivered" or wants_json():
        emit(delivery, told[delivery["state"]])
    if delivery["state"] != "delivered":
        raise CommandFailed(told[delivery["state"]], code="WEBHOOK_NOT_DELIVERED")
