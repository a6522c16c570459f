"""`tidemill run`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.cli import completing
from tidemill.cli.client import Client, connect, segment
from tidemill.cli.commands.scripts import LANGUAGES, content_of, language_of, limits_of
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.following import exit_code_of, follow_log, outcome, told_error
from tidemill.cli.lazy import single
from tidemill.cli.options import AffinityKey, Attempts, Requires, requirements_of
from tidemill.cli.output import emit, emit_event, note, printable, wants_json
from tidemill.cli.times import instant_after
from tidemill.cli.waiting import telling_what_it_waits_for

app = single()
Script = Annotated[
    str,
    typer.Argument(
        help="A deployed script's path, package:function, or a file to run once.",
        autocompletion=completing.scripts,
    ),
]
Tag = Annotated[
    str | None, typer.Option(help="Which workers may take it.", autocompletion=completing.tags)
]
Isolation = Annotated[
    str | None, typer.Option(help="sandbox, or warm: a process that runs job after job.")
]


@app.command(
    examples=(
        "tidemill run harbour/tides --arg port=Cuxhaven --item TM-1",
        "tidemill run tides.py --arg days=3 --attempts 5",
        "tidemill run shop.tasks:charge --arg number=7 --priority 5",
        "tidemill run backup --unique --limits '{\"ttl_seconds\": 600}'",
        'tidemill run film --tag render --requires \'{"labels": ["gpu"]}\'',
        "tidemill run backup --args '{\"full\": true}' --detach",
    )
)
def run(  # noqa: PLR0913, PLR0917 - one for each option
    script: Script,
    arg: Annotated[
        list[str] | None,
        typer.Option(
            "--arg", "-a", metavar="NAME=VALUE", help="JSON, else text; @FILE is its text."
        ),
    ] = None,
    args: Annotated[str | None, typer.Option(help="All arguments as one JSON object.")] = None,
    item: Annotated[str | None, typer.Option(help="The work item it is for, e.g. TM-1.")] = None,
    tag: Tag = None,
    priority: Annotated[int | None, typer.Option(help="Higher starts sooner.")] = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds until it is stopped.")] = None,
    attempts: Attempts = None,
    limits: Annotated[
        str | None, typer.Option(help="Limits as JSON, or @FILE: concurrency, rate, …")
    ] = None,
    unique: Annotated[
        bool, typer.Option("--unique", help="None beside one with the same arguments.")
    ] = False,
    isolation: Isolation = None,
    requires: Requires = None,
    affinity_key: AffinityKey = None,
    label: Annotated[
        list[str] | None, typer.Option(help="A word to find it by, such as customer:acme.")
    ] = None,
    run_in: Annotated[
        str | None, typer.Option(help="Start it after so long: 90s, 10m, 2h.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait: print its id.")] = False,
) -> None:
    """Run a script as a job; follow its log, print its result, exit as it did.

    0 when it succeeded, its own exit code or 1 when it failed, 124 when it timed out, 125 when
    it was cancelled.
    """
    client = connect()
    body: dict[str, Any] = {
        **_what(script),
        "args": arguments(arg or [], args),
        "work_item_id": _item_id(client, item),
        "tag": tag,
        "priority": priority,
        "timeout_seconds": timeout,
        "attempts_max": attempts,
        "limits": _limits(limits, unique=unique),
        "isolation": isolation,
        "requires": requirements_of(requires),
        "affinity_key": affinity_key,
        "labels": label,
        "run_at": instant_after(run_in),
    }
    job = _made(client, {name: value for name, value in body.items() if value is not None})
    if detach:
        emit(job, str(job["id"]))
        return
    same = " (it was there already)" if job.get("found_by") else ""
    note(f"Job {job['id']}{same}")
    _follow(client, job["id"])


def _made(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(client.post("/jobs", body))
    except AnsweredWithError as error:
        path = body.get("script_path")
        if error.code == "ARGUMENTS_INVALID":
            error.message += _as_text(body["args"], error)
        if error.code == "SCRIPT_NOT_FOUND" and path and Path(path).is_file():
            error.message = (
                f"No script {path!r} is deployed, and the file of that name has none of the "
                f"suffixes that tell a language: {', '.join(LANGUAGES)}."
            )
        raise


def _as_text(args: dict[str, Any], error: AnsweredWithError) -> str:
    """Return how an argument is written that is text for the script, and a number as JSON."""
    name = str(error.param).removeprefix("args.")
    value = args.get(name)
    if (
        value is None
        or isinstance(value, str | dict | list)
        or 'type "string"' not in error.message
    ):
        return ""
    return f" As text: --arg '{name}=\"{json.dumps(value)}\"'"


def _follow(client: Client, job_id: str) -> None:
    """Show a job's log and result, and exit as it did."""
    try:
        with telling_what_it_waits_for(client, job_id):
            follow_log(client, job_id)
            finished = outcome(client, job_id)
    except KeyboardInterrupt:
        note(f"It goes on. Stop it with: tidemill jobs cancel {job_id}")
        raise
    _tell(finished)
    code = exit_code_of(finished)
    if code:
        raise typer.Exit(code)


def arguments(pairs: list[str], whole: str | None) -> dict[str, Any]:
    """Return the arguments that `--args` and `--arg` give together."""
    given: dict[str, Any] = {}
    if whole is not None:
        try:
            given = json.loads(whole)
        except ValueError as error:
            raise CommandFailed(f"--args is not JSON: {error}.", ExitCode.USAGE) from error
        if not isinstance(given, dict):
            raise CommandFailed("--args must be a JSON object.", ExitCode.USAGE)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CommandFailed(f"--arg needs NAME=VALUE, not {pair!r}.", ExitCode.USAGE)
        given[name] = _value(value)
    return given


def _limits(text: str | None, *, unique: bool) -> dict[str, Any] | None:
    limits = limits_of(text)
    return {**(limits or {}), "unique": {}} if unique else limits


def _value(text: str) -> Any:
    """Return what `text` says as JSON; what is no JSON is text, and @FILE the text in it."""
    if text.startswith("@"):
        return content_of(Path(text[1:]))
    try:
        return json.loads(text)
    except ValueError:
        return text


def _what(script: str) -> dict[str, str]:
    file = Path(script)
    if file.suffix in LANGUAGES:
        return {"language": language_of(file), "content": content_of(file)}
    return {"function" if ":" in script else "script_path": script}


def _item_id(client: Client, item: str | None) -> str | None:
    return str(client.get(f"/work-items/{segment(item)}")["id"]) if item else None


def _tell(finished: dict[str, Any]) -> None:
    if wants_json():
        emit_event(finished, "")  # The last line of a stream, which the log began.
        return
    if finished["state"] != "succeeded":
        sys.stderr.write(printable(told_error(finished)) + "\n")
        return
    result = finished.get("result")
    text = result if isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False)
    emit(finished, "" if result is None else printable(text))
