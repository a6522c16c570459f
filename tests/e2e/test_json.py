"""Every command prints JSON with `--json`: one document, or a document a line for streams."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.server import OWNER_EMAIL, OWNER_PASSWORD, TIDEMILL, Server
from tidemill.cli.lazy import COMMANDS, load
from tidemill.cli.main import run

pytestmark = pytest.mark.full(reason="a hundred commands take 15 s of CPU; each has its tests")

# They run until they are ended, and what they print are the lines of their log.
_PROCESSES: Final = {"up", "api", "dispatcher", "worker", "top"}
# What somebody else asked for, what ends the story, and what another configuration is needed for.
_ELSEWHERE: Final = {
    "owner create", "watch", "logout", "login", "members remove", "signing-keys rotate",
    # Of what oneself does one hears nothing, so that this story has no notification.
    "inbox unread", "inbox archive", "inbox snooze", "inbox events",
}  # fmt: skip

_OTHER_EMAIL: Final = "bob@example.org"

_STORY: Final = """
whoami
tenants list
tenants create Harbour --slug harbour
tenants use harbour
projects create TM Tidemill
projects list
projects visibility TM private
projects share TM me --role owner
projects members TM
projects unshare TM me
projects visibility TM tenant
guest=projects guests create TM Office --days 2
projects guests list TM
projects guests revoke TM {guest}
projects git bind TM https://git.invalid/tm.git --user bot
projects git show TM
?projects git sync TM --dry-run
projects git unbind TM
items create First -p TM --type task
add Second #task -p TM
items import backlog.csv -p TM
projects export TM --output tm.csv
projects export TM --format json --output tm.json
projects export TM --format zip --output tm.zip
projects import tm.zip --key COPY
items show TM-1
items list -p TM
items list --filter is:open
search First
board show TM --lane none
board settings TM --limit in_progress=3
hook=webhooks add https://receiver.invalid/ -e job* --description Pager
webhooks list
webhooks show {hook}
webhooks events
delivery=?webhooks ping {hook}
webhooks deliveries {hook}
?webhooks replay {hook} {delivery}
webhooks rotate {hook}
webhooks update {hook} --disable
webhooks delete {hook}
items update TM-1 --status in_progress
items move TM-1 --last
items edit TM-1
field=fields create severity --type choice --choice High --choice Low
fields list
fields show severity
fields update severity --name Severe
items create Dredge -p TM --type task --field severity=high
items update TM-1 --field severity=Low
fields delete {field} --yes
template=templates create Release release.json
templates list
templates show Release
templates update Release --name Ship
templates use Ship -p TM --value version=1
items create --template Ship -p TM --value version=2
templates delete {template}
kinds list
kinds create spike --below story --in-sprints
kinds update spike --name Spike!
kinds retire spike
kinds revive spike
kinds delete spike
label=labels create harbour --color #0aa2c0
labels list
labels update harbour --description Gates
items update TM-1 --label harbour --points 3 --due 2026-03-31
items list --label harbour
labels delete harbour
labels restore {label}
items watch TM-1
items watchers TM-1
items unwatch TM-1
inbox list
inbox read --all
inbox preferences --reason changed --inbox off
inbox mute TM
inbox unmute TM
time start TM-1
time status
time stop
entry=time add TM-1 1h30m
time edit {entry} --duration 2h
time list
time report --by user,day
time delete {entry}
comment=items comments add TM-1 Good
items comments list TM-1
items comments edit {comment} Better
items comments delete {comment}
file=items attach TM-1 hello.py
items attachments TM-1
items download {file} --output hello-again.py
items detach {file}
items link TM-1 blocks TM-2
items links TM-2
projects critical-path TM
projects workflow show TM
projects workflow set TM workflow.json
items unlink TM-1 blocks TM-2
projects create SEA Sea
items transfer TM-2 SEA
items bulk TM-1 --set priority=high
items activity TM-2
projects activity TM
items archive TM-2
items unarchive TM-2
items delete TM-2
sprints create TM Spring --from 2026-11-23 --to 2026-12-04
sprints create TM Neap --from 2026-12-07 --to 2026-12-18
sprints list TM
sprints add Spring TM-1 -p TM
sprints start Spring -p TM
sprints show Spring -p TM
llm brief TM --budget 1500
llm context --category filters
llm queries
llm ask stale_items project=TM days=7
sprints change Spring -p TM --goal Boats
sprints remove TM-1
sprints complete Spring -p TM --unfinished-to Neap
sprints cancel Neap -p TM
sprints create TM Gone --from 2026-12-21 --to 2026-12-22
sprints delete Gone -p TM
scripts push hello.py --path a/hello
scripts list
scripts show a/hello
*run a/hello --arg n=2
job=run a/hello --detach
*jobs logs {job} --follow
*jobs logs {job}
jobs show {job}
jobs list
jobs why {job}
jobs attempts {job}
jobs attempts {job} --attempt 1
jobs tree {job}
jobs rerun {job}
later=run a/hello --run-in 1h --detach
jobs snooze {later} 2h
jobs export queue.ndjson
jobs import queue.ndjson --dry-run
jobs cancel {later}
jobs retry {later}
later=run a/hello --run-in 1h --detach
jobs now {later}
jobs dead
jobs replay --all --dry-run
schedules create a/daily a/hello --cron @daily
schedules list
schedules show a/daily
schedules preview a/daily
schedules preview --cron @daily
schedules occurrences a/daily
schedules pause a/daily
schedules resume a/daily
schedules run-now a/daily
schedules export
schedules backfill a/daily 2026-01-01T00:00:00Z 2026-01-02T00:00:00Z
schedules import schedules.json
schedules delete a/daily
scripts archive a/hello
folders set sales --grant role:member=run
folders list
folders show sales
folders delete sales
resources set db sqlite {{"path":"tides.db"}}
resources list
resources types
resources get db
resources delete db
variables set station west
variables list
variables get station
variables delete station
secrets rotate
members list
members set-role {me} owner
invitation=invitations create eve@example.org
invitations list
invitations delete {invitation}
token=tokens create one --scope read
tokens list
tokens revoke {token}
tags list
tags pause default
tags resume default
settings list
settings get preferences.theme
settings set preferences.theme dark
settings unset preferences.theme
audit list
audit verify
audit export --output audit.ndjson
*audit export
workers list
config list
config explain server.port
config check
completion bash
retention set debug --label debug --days 0 --yes
retention list
retention delete debug
tenants use {team}
users list
users disable {other}
users enable {other}
door=worker-tokens create site --tag default
worker-tokens list
worker-tokens revoke {door}
workers drain {worker}
workers resume {worker}
strategies set render --workers affinity
strategies list
strategies show render
strategies reset render
!db status
!db check
!doctor
!db upgrade
!db downgrade control 1
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def test_every_command_prints_json(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(server.directory)
    for name, value in server.environment(TIDEMILL_URL=server.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(server.directory))
    monkeypatch.setenv("EDITOR", "true")
    login = [TIDEMILL, "login", server.url, "--email", OWNER_EMAIL, "--password-stdin"]
    subprocess.run(login, input=OWNER_PASSWORD, text=True, check=True, capture_output=True)
    _join(server)
    (server.directory / "backlog.csv").write_text("title,type\nOne,task\n")
    item = {"item_type": "story", "title": "Ship {version}"}
    (server.directory / "release.json").write_text(json.dumps(item))
    (server.directory / "hello.py").write_text("def main(n: int = 1):\n    print(n)\n")
    known = {
        "me": OWNER_EMAIL,
        "other": _OTHER_EMAIL,
        "team": _told(capsys, ["tenants", "list"])[0]["slug"],
    }
    said = set()
    for line in _STORY.strip().splitlines():
        mark, _, command = line.partition("=") if _is_named(line) else ("", "", line)
        words = command.lstrip("*!?").format(**known).split()
        said.add(" ".join(words[:2]) if _below(words[0]) else words[0])
        if command.startswith("!"):
            _by_itself(server, words)
            continue
        # Nobody receives there, which is told in full and by the exit code.
        code = 1 if command.startswith("?") else 0
        told = _told(capsys, words, stream=command.startswith("*"), expected=code)
        if mark:
            known[mark] = (told[0] if isinstance(told, list) else told)["id"]
        if words[:2] == ["workers", "list"]:
            known["worker"] = told[0]["id"]
        if words[:2] == ["schedules", "export"]:
            (server.directory / "schedules.json").write_text(json.dumps(told))
        if words[:3] == ["projects", "workflow", "show"]:
            (server.directory / "workflow.json").write_text(json.dumps(told))

    assert _all_commands() - said == set()


def _join(server: Server) -> None:
    """Let somebody else become a member."""
    with log_in(server.url) as owner:
        invited = owner.post("/invitations", {"email": _OTHER_EMAIL})
        person = {"email": _OTHER_EMAIL, "name": "Bob", "password": OWNER_PASSWORD}
        owner.post("/auth/registrations", {"token": invited["token"], **person})


def _is_named(line: str) -> bool:
    name, equals, _ = line.partition("=")
    return bool(equals) and name.isidentifier()


def _told(
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    *,
    stream: bool = False,
    expected: int = 0,
) -> Any:
    code = run([*words, "--json"])
    printed = capsys.readouterr()
    assert code == expected, f"{words}: {printed.err}"
    return [json.loads(one) for one in printed.out.splitlines()] if stream else _one(printed.out)


def _by_itself(server: Server, words: list[str]) -> None:
    """Run a command that opens the data directory in a process of its own."""
    command = [TIDEMILL, *words, "--json", "--data-dir", str(server.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    _one(done.stdout if done.returncode == 0 else done.stderr)


def _one(printed: str) -> Any:
    return json.loads(printed)


def _all_commands() -> set[str]:
    found = set()
    for name in COMMANDS:
        found |= {f"{name} {sub}" for sub in _below(name)} or {name}
    return found - _PROCESSES - _ELSEWHERE


def _below(name: str) -> set[str]:
    return set(getattr(load(name), "commands", None) or {})
