"""`tidemill watch`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.facts import cut, with_names, words_of
from tidemill.cli.lazy import single
from tidemill.cli.live import follow
from tidemill.cli.output import emit_event, moment, note, printable, wants_json
from tidemill.cli.people import Names, short

app = single()
_REPLACED: Final = "\ufffd".encode()
logs_max: Final = 1_000
"""Of how many logs it is remembered what was shown."""


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

    Of jobs it tells those of work items and those that failed for good, since there may be many:
    see all with `tidemill top` and `tidemill jobs list`, and follow any one with --job.
    A connection that breaks is made again, and nothing in between is missed. Ctrl-C ends it.
    With --json the first line has the type `subscribed`: what happens from then on is told.
    """
    client = connect()
    if _tell_ended(client, job):
        return
    wanted = _topics(client, project, item, job)
    seen, told = 0, False
    logs = _Logs()
    names = Names(client)
    for heard in follow(client, wanted):
        message = logs.news_of(heard)
        if message is None:
            continue
        if message.get("connection") == "subscribed":
            if not told:
                _tell_subscribed(wanted, item)
                # It may have ended before anything could be heard of it.
                if _tell_ended(client, job):
                    return
            told = True
            continue
        if "connection" in message:
            _tell_connection(message)
            continue
        # With --json nobody is asked for names that nobody sees.
        emit_event(message, "" if wants_json() else human(message, names.of))
        seen += 1
        if seen == count:
            return


class _Logs:
    """How much of each log was shown: what a server tells again after it broke is left out."""

    def __init__(self) -> None:
        self._shown: dict[tuple[object, object], int] = {}

    def news_of(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return the message without output that was shown; None where that is all it has."""
        update = message.get("ephemeral") or {}
        data = update.get("data")
        if update.get("type") != "JobLogLines" or not isinstance(data, dict):
            return message
        offset = data.get("offset")
        if not isinstance(offset, int):
            return message
        log = (data.get("job_id"), data.get("attempt"))
        text = str(data.get("text", "")).encode()
        shown = self._shown.pop(log, 0)
        # It goes to the end: the logs that were heard of longest ago are forgotten first.
        # A byte that is no UTF-8 is told by a character of three: rather repeat than lose some.
        self._shown[log] = max(shown, offset + len(text) - 2 * text.count(_REPLACED))
        if len(self._shown) > logs_max:
            del self._shown[next(iter(self._shown))]
        if shown <= offset:
            return message
        new = text[shown - offset :].decode(errors="replace")
        if not new:
            return None
        rest = {**data, "offset": shown, "text": new}
        return {**message, "ephemeral": {**update, "data": rest}}


def _topics(client: Client, project: str | None, item: str | None, job: str | None) -> list[str]:
    topics = []
    if project is not None:
        topics.append(f"project:{client.get(f'/projects/{segment(project)}')['id']}")
    if item is not None:
        topics.append(f"work-item:{client.get(f'/work-items/{segment(item)}')['id']}")
    if job is not None:
        topics.append(f"job:{job}")
    return topics or ["tenant"]


def human(message: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    """Return a message as one line: when, who, what."""
    header = message.get("header", {})
    update = message.get("ephemeral")
    if update is not None:
        when, kind, data = moment(message.get("timestamp")), update.get("type"), update.get("data")
        if kind == "JobLogLines":
            return "\n".join(
                printable(f"{when}  log  {line}") for line in data["text"].splitlines()
            )
        detail = _detail(kind, with_names(data, name_of))
        return printable(f"{when}  {kind}  {detail}").rstrip()
    who = _who(header.get("actor") or {}, name_of)
    when, kind = moment(header.get("at")), header.get("type")
    detail = _detail(kind, with_names(message["fact"].get("data"), name_of))
    return printable(f"{when}  {who}  {kind}  {detail}").rstrip()


def _who(actor: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    """Return a person's name; before that of whoever else acts for one stands what acts."""
    kind, person = str(actor.get("kind", "?")), actor.get("user_id")
    if kind == "user":
        return name_of(str(person or actor.get("id", "?")))
    return f"{kind}:{name_of(str(person)) if person else short(str(actor.get('id', '?')))}"


def _detail(kind: str, data: Any) -> str:
    """Return what happened in words, or the fields of what a newer server tells of."""
    if not isinstance(data, dict):
        return str(data)
    words = words_of(kind, data)
    if words is not None:
        return words
    plain = {name: value for name, value in data.items() if not isinstance(value, dict | list)}
    return cut(json.dumps(plain, ensure_ascii=False))


def _tell_subscribed(topics: Sequence[str], item: str | None) -> None:
    """Say that from now on nothing is missed, so that a script can begin what it watches."""
    if wants_json():
        emit_event({"type": "subscribed", "topics": list(topics)}, "")
    else:
        # People know a work item by what they called it.
        shown = (item if item and one.startswith("work-item:") else one for one in topics)
        note(f"Watching {', '.join(shown)}. Ctrl-C ends it.")


def _tell_ended(client: Client, job: str | None) -> bool:
    """Say that a job has ended, of which nothing more will be heard; raises for an unknown one."""
    if job is None:
        return False
    found = client.get(f"/jobs/{segment(job)}")
    if found["finished_at"] is None:
        return False
    ended = {"type": "ended", "job_id": found["id"], "state": found["state"]}
    emit_event(ended, f"Job {found['id']} has ended: {found['state']}.")
    return True


def _tell_connection(message: Mapping[str, Any]) -> None:
    told = {
        "open": "Connected.",
        "lost": f"The connection is lost ({message.get('reason')}); trying again.",
        "lagged": "Too much at once: what is recorded follows; log lines were left out here.",
        "resync": "The stream has changed: read the state again.",
    }
    note(told[message["connection"]])
