"""The same behaviours in every language: what a test runs, and what it expects."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from tests.integration.jobs.worker.dispatcher import job
from tidemill.jobs.protocol.messages import Assignment, Isolation

JOB_IDS = "0192aaaa-0000-7000-8000-{:012d}"


class Script(Struct, frozen=True, kw_only=True):
    """A script with its arguments. `{url}` in its text is the address of the test's server."""

    content: str
    arguments: dict[str, Any] = {}


class Language(Struct, frozen=True, kw_only=True):
    """What one language is asked to do.

    `echoes` gives back an argument, whatever is in it, as `echoed` says. `fails` fails with
    `failure` (type, part of the message). `exits` leaves with code 7. `says` writes a line at
    WARNING. `sleeps` prints or asks once, and then goes on for a minute. `tells` returns its job's
    id and token. `boasts` returns too much.
    """

    name: str
    echoes: Script
    echoed: Any
    fails: Script
    failure: tuple[str, str]
    sleeps: Script
    says: Script | None = None
    exits: Script | None = None
    tells: Script | None = None
    boasts: Script | None = None


NASTY = "Zoë \"'$(id)'\\ ; DROP TABLE x; {0} %s"

PYTHON = Language(
    name="python",
    echoes=Script(content="def main(a): return [a]", arguments={"a": NASTY}),
    echoed=[NASTY],
    fails=Script(content="def main():\n    raise LookupError('no tide')"),
    failure=("LookupError", "no tide"),
    says=Script(
        content="import logging\ndef main():\n    logging.warning('high tide')\n    return 1"
    ),
    exits=Script(content="import os\ndef main():\n    os._exit(7)"),
    sleeps=Script(content="import time\ndef main():\n    print('on')\n    time.sleep(60)"),
    tells=Script(
        content="import os\ndef main():\n"
        "    return [os.environ['TIDEMILL_JOB_ID'], os.environ['TIDEMILL_TOKEN']]"
    ),
    boasts=Script(content="def main():\n    return 'x' * 200_000"),
)
BASH = Language(
    name="bash",
    echoes=Script(content='a="$1"\nprintf "%s\\n" "$a"', arguments={"a": NASTY}),
    echoed=NASTY,
    fails=Script(content="echo no tide >&2\nexit 3"),
    failure=("ExitCode", "exit code 3"),
    says=Script(content="export TZ=UTC-14\ntidemill_log WARNING high tide\necho 1"),
    exits=Script(content="exit 7"),
    sleeps=Script(content="echo on\nsleep 60"),
    tells=Script(content='echo "[\\"$TIDEMILL_JOB_ID\\", \\"$TIDEMILL_TOKEN\\"]"'),
    boasts=Script(content="head -c 200000 /dev/zero | tr '\\0' x"),
)
TYPESCRIPT = Language(
    name="typescript",
    echoes=Script(
        content="export async function main(a: string): Promise<string[]> { return [a]; }",
        arguments={"a": NASTY},
    ),
    echoed=[NASTY],
    fails=Script(content="export function main() { throw new RangeError('no tide'); }"),
    failure=("RangeError", "no tide"),
    says=Script(content="export function main() { console.warn('high tide'); return 1; }"),
    exits=Script(content="export function main() { Deno.exit(7); }"),
    sleeps=Script(
        content="export async function main() { console.log('on');"
        " await new Promise((r) => setTimeout(r, 60_000)); }"
    ),
    tells=Script(
        content="export function main() { return ["
        "Deno.env.get('TIDEMILL_JOB_ID'), Deno.env.get('TIDEMILL_TOKEN')]; }"
    ),
    boasts=Script(content="export function main() { return 'x'.repeat(200_000); }"),
)
_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"
SQLITE = Language(
    name="sql",
    echoes=Script(
        content="-- $database (sqlite)\n-- $1 a (text)\nSELECT $1 AS a", arguments={"a": NASTY}
    ),
    echoed={"columns": ["a"], "row_count": 1, "truncated": False, "rows": [{"a": NASTY}]},
    fails=Script(content="-- $database (sqlite)\nSELECT * FROM tides"),
    failure=("OperationalError", "no such table: tides"),
    sleeps=Script(content=f"-- $database (sqlite)\nCREATE TABLE t (x);\n{_ENDLESS}"),
)
DUCKDB = Language(
    name="sql",
    echoes=Script(
        content="-- $database (duckdb)\n-- $1 a (text)\nSELECT $1 AS a", arguments={"a": NASTY}
    ),
    echoed={"columns": ["a"], "row_count": 1, "truncated": False, "rows": [{"a": NASTY}]},
    fails=Script(content="-- $database (duckdb)\nSELECT * FROM tides"),
    failure=("CatalogException", "tides does not exist"),
    sleeps=Script(
        content="-- $database (duckdb)\nCREATE TABLE t (x INT);\n"
        "SELECT COUNT(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range < 0"
    ),
)
HTTP = Language(
    name="http",
    echoes=Script(
        content=json.dumps({"method": "POST", "url": "{url}/echo", "body": {"a": "{a}"}}),
        arguments={"a": NASTY},
    ),
    echoed=None,
    fails=Script(content=json.dumps({"url": "{url}/missing", "retries": 0})),
    failure=("HttpStatus", "answered 404"),
    sleeps=Script(content=json.dumps({"url": "{url}/hangs", "timeout_seconds": 60})),
)
LANGUAGES = {
    "python": PYTHON,
    "bash": BASH,
    "typescript": TYPESCRIPT,
    "sqlite": SQLITE,
    "duckdb": DUCKDB,
    "http": HTTP,
}


def assignment(
    language: Language, script: Script, *, url: str, isolation: Isolation, **fields: Any
) -> Assignment:
    """Return the assignment of a script of a language."""
    return job(
        JOB_IDS.format(1),
        script.content.replace("{url}", url),
        language=language.name,
        arguments=script.arguments,
        isolation=isolation,
        **fields,
    )
