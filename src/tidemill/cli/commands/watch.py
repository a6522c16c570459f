"""`tidemill watch`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.lazy import single
from tidemill.cli.live import follow
from tidemill.cli.output import emit_event, moment, note, printable, wants_json

app = single()
_detail_length_max = 100
_THINGS = ("item", "work_item", "project", "job")


@app.command(
    examples=(
        "tidemill watch",
        "tidemill watch --project TM",
        "tidemill watch --item TM-1 --json | jq '.header.type // empty'",
        "tidemill watch --job 0199…",
    )
)
def watch(
    project: Annotated[str | None, typer.Option("--project", "-p", help="Its key or id.")] = None,
    item: Annotated[str | None, typer.Option(help="A work item's key or id.")] = None,
    job: Annotated[str | None, typer.Option(help="A job's id.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many.")] = None,
) -> None:
    """Follow what happens, live; everything in the tenant unless you name something.

    A connection that breaks is made again, and nothing in between is missed. Ctrl-C ends it.
    With --json the first line has the type `subscribed`: what happens from then on is told.
    """
    client = connect()
    topics = []
    if project is not None:
        topics.append(f"project:{client.get(f'/projects/{segment(project)}')['id']}")
    if item is not None:
        topics.append(f"work-item:{client.get(f'/work-items/{segment(item)}')['id']}")
    if job is not None:
        topics.append(f"job:{job}")
    wanted = topics or ["tenant"]
    seen, told = 0, False
    for message in follow(client, wanted):
        if message.get("connection") == "subscribed":
            if not told:
                _tell_subscribed(wanted)
            told = True
            continue
        if "connection" in message:
            _tell_connection(message)
            continue
        emit_event(message, human(message))
        seen += 1
        if seen == count:
            return


def human(message: Mapping[str, Any]) -> str:
    """Return a message as one line: when, who, what."""
    header = message.get("header", {})
    update = message.get("ephemeral")
    if update is not None:
        when = moment(message.get("timestamp"))
        data = update.get("data")
        text = data.get("text") if isinstance(data, dict) else None
        if text:
            return "\n".join(printable(f"{when}  log  {line}") for line in text.splitlines())
        return printable(f"{when}  {update.get('type')}  {_detail(data)}").rstrip()
    actor = header.get("actor") or {}
    who = f"{actor.get('kind', '?')}:{str(actor.get('user_id') or actor.get('id', '?'))[-12:]}"
    when = moment(header.get("at"))
    detail = _detail(message["fact"].get("data"))
    return printable(f"{when}  {who}  {header.get('type')}  {detail}").rstrip()


def _detail(data: Any) -> str:
    """Return what people know the thing by and what changed, else its plain fields."""
    if not isinstance(data, dict):
        return str(data)
    inner = next((data[name] for name in _THINGS if isinstance(data.get(name), dict)), data)
    known = [str(inner[name]) for name in ("key", "state", "title", "name") if inner.get(name)]
    known += [_change(change) for change in data.get("changes") or () if isinstance(change, dict)]
    if known:
        return "  ".join(known)
    plain = {name: value for name, value in data.items() if not isinstance(value, dict | list)}
    return _cut(json.dumps(plain, ensure_ascii=False))


def _change(change: dict[str, Any]) -> str:
    return _cut(f"{change.get('field_name')} → {change.get('new_value')}")


def _cut(text: str) -> str:
    return text if len(text) <= _detail_length_max else text[: _detail_length_max - 1] + "…"


def _tell_subscribed(topics: Sequence[str]) -> None:
    """Say that from now on nothing is missed, so that a script can begin what it watches."""
    if wants_json():
        emit_event({"type": "subscribed", "topics": list(topics)}, "")
    else:
        note(f"Watching {', '.join(topics)}. Ctrl-C ends it.")


def _tell_connection(message: Mapping[str, Any]) -> None:
    told = {
        "open": "Connected.",
        "lost": f"The connection is lost ({message.get('reason')}); trying again.",
        "lagged": "Too much at once: what is recorded follows; log lines were left out here.",
        "resync": "The stream has changed: read the state again.",
    }
    note(told[message["connection"]])
