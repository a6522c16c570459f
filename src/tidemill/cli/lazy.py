"""Commands that are imported when they are called, so that `tidemill --help` stays quick."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Annotated, Any, ClassVar, Final, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from tidemill.cli.output import choose_json

F = TypeVar("F", bound=Callable[..., Any])

_Json = Annotated[
    bool,
    typer.Option(
        "--json",
        is_eager=True,
        callback=choose_json,
        help="Print JSON: one document, or one line for each event of a stream.",
    ),
]

# Help is plain text: to draw frames would take longer than all the rest of `tidemill --help`.
_PLAIN: Final[dict[str, Any]] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}

COMPLETION_VARIABLE: Final = "_TIDEMILL_COMPLETE"

WORK: Final = "Work"
PEOPLE: Final = "People and access"
SERVE: Final = "Serve and operate"

# name: (module, help, panel); the module's `app` is a command, or a group of commands.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "up": ("serve", "Start Tidemill on this machine: API and worker, no other service.", SERVE),
    "api": ("serve", "Run the API role alone.", SERVE),
    "dispatcher": ("serve", "Run the dispatcher role alone.", SERVE),
    "worker": ("serve", "Run a worker.", SERVE),
    "projects": (
        "projects",
        "List and make projects; take them elsewhere; say who sees them.",
        WORK,
    ),
    "items": ("items", "List, make, change, import work items; comments and files.", WORK),
    "add": ("adding", "Make a work item from one line: #bug @ada !high ^fri.", WORK),
    "kinds": ("kinds", "Say which kinds of work items there are, and their hierarchy.", WORK),
    "templates": ("templates", "Keep items that are made again and again.", WORK),
    "labels": ("labels", "List, make and change labels of work items.", WORK),
    "fields": ("fields", "List, make and change custom fields of work items.", WORK),
    "time": ("time", "Track time on work items, by timers and by hand; report it.", WORK),
    "sprints": ("sprints", "Plan sprints, start and end them, see how they go.", WORK),
    "board": ("board", "Show a board, live if you like; its columns, lanes and limits.", WORK),
    "search": ("search", "Find work items by words.", WORK),
    "llm": ("llm", "Read what a model may know: of the board, and of a project.", WORK),
    "scripts": ("scripts", "Deploy scripts and look at them.", WORK),
    "run": ("run", "Run a script as a job; follow its log and print its result.", WORK),
    "jobs": ("jobs", "List jobs, read their logs, cancel them, run them again.", WORK),
    "schedules": ("schedules", "Start scripts at their times, or after each other.", WORK),
    "folders": ("folders", "Say who may do what below which path.", WORK),
    "resources": ("resources", "Keep how to reach databases and services.", WORK),
    "variables": ("variables", "Keep texts and secrets that scripts read.", WORK),
    "inbox": ("inbox", "See what concerns you, and why; choose what you hear of.", WORK),
    "webhooks": ("webhooks", "Send facts to addresses of your own, signed.", WORK),
    "watch": ("watch", "Follow what happens, live.", WORK),
    "top": ("top", "Show queues and workers, live.", WORK),
    "login": ("login", "Log in to a server and remember it.", PEOPLE),
    "logout": ("login", "Log out and forget the server.", PEOPLE),
    "whoami": ("login", "Show who you are, where, and in which tenant.", PEOPLE),
    "tenants": ("tenants", "List, make and choose tenants.", PEOPLE),
    "members": ("members", "List members, change their roles, remove them.", PEOPLE),
    "users": ("users", "List users of all tenants; close and reopen accounts.", PEOPLE),
    "invitations": ("invitations", "Invite people.", PEOPLE),
    "tokens": ("tokens", "Make, list and revoke API tokens.", PEOPLE),
    "worker-tokens": ("worker_tokens", "Let in workers of other machines.", PEOPLE),
    "owner": ("owner", "Make the first owner.", PEOPLE),
    "tags": ("tags", "Count the jobs of each tag; pause tags.", SERVE),
    "workers": ("workers", "List workers; take them out of service.", SERVE),
    "retention": ("retention", "Keep some finished jobs for less time.", SERVE),
    "strategies": ("strategies", "Say how jobs are ordered and placed, by tag.", SERVE),
    "settings": ("settings", "Show and change settings, with where each value comes from.", SERVE),
    "config": ("config", "Explain what a process would start with.", SERVE),
    "secrets": ("secrets", "Change the keys that seal secrets.", SERVE),
    "signing-keys": ("signing_keys", "Change the keys that sign access tokens.", SERVE),
    "audit": ("audit", "Query, export and verify the audit log.", SERVE),
    "db": ("db", "Upgrade and check the databases.", SERVE),
    "doctor": ("doctor", "Find what is wrong and say how to fix it.", SERVE),
    "completion": ("completion", "Print the completion script of your shell.", SERVE),
}


class LazyGroup(TyperGroup):
    """The root group: knows each command's name and line of help, loads it when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return every name, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in that bears the line of help; `resolve_command` loads the real one."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(name=cmd_name, help=entry[1], rich_markup_mode=None)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings."""
        del ctx
        width = max(map(len, COMMANDS))
        for panel in (WORK, PEOPLE, SERVE):
            with formatter.section(panel):
                formatter.write_dl(
                    [
                        (name.ljust(width), summary)
                        for name, (_, summary, its_panel) in COMMANDS.items()
                        if its_panel == panel
                    ]
                )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the command that the first of `args` names."""
        # Names are enough for its "Did you mean …?".
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if command is not None and name else command, rest


def load(name: str) -> Any:
    """Import and return the command `name`."""
    module = import_module(f"tidemill.cli.commands.{COMMANDS[name][0]}")
    app: typer.Typer = getattr(module, "APPS", {}).get(name) or module.app
    command = typer.main.get_command(app)
    command.name = name
    return command


def group(summary: str, *, otherwise: str | None = None) -> Commands:
    """Return an empty group of commands, each of which takes `--json`.

    `otherwise` is the command that is meant where the first word names none.
    """
    kind = TyperGroup if otherwise is None else _group_with(otherwise)
    app = Commands(help=summary, cls=kind, no_args_is_help=True, **_PLAIN)
    app.callback()(_nothing)  # Without it, a group of one command would be that command.
    return app


def _group_with(otherwise: str) -> type[TyperGroup]:
    class WithUsualCommand(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if args and args[0] not in {*self.commands, *ctx.help_option_names}:
                args = [otherwise, *args]
            return super().parse_args(ctx, args)

    return WithUsualCommand


def _nothing() -> None:
    """Do nothing: a group's own part."""


def single() -> Commands:
    """Return an application that holds one command, which takes `--json`."""
    return Commands(**_PLAIN)


def process() -> Commands:
    """Return an application that holds one command, which becomes a process."""
    return Processes(**_PLAIN)


class Commands(typer.Typer):
    """Typer whose commands take `--json` and show their examples as they are written."""

    prints_json: ClassVar[bool] = True

    def command(self, name: str | None = None, **options: Any) -> Callable[[F], F]:
        """Register the decorated function; `examples` are lines shown at the end of its help."""
        examples = options.pop("examples", ())
        if examples:
            # The mark tells the formatter to leave the lines as they are.
            options["epilog"] = "\n".join(["\b", "Examples:", *(f"  {e}" for e in examples)])

        def register(function: F) -> F:
            shown = _with_json(function) if self.prints_json else function
            super(Commands, self).command(name, **options)(shown)
            return function

        return register


class Processes(Commands):
    """Commands without a result: what they print are the lines of a log, as `log.format` says."""

    prints_json = False


def _with_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with one more option, whose effect is its callback's."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in signature.parameters.values()
    ]
    extra = inspect.Parameter(
        "as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json
    )

    @wraps(function)
    def call(*args: Any, as_json: bool = False, **kwargs: Any) -> Any:
        del as_json
        return function(*args, **kwargs)

    vars(call)["__signature__"] = signature.replace(parameters=[*parameters, extra])
    call.__annotations__ = {**hints, "as_json": _Json}
    return call
