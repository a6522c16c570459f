"""What the tab key offers for values: what the server knows, when it answers at once.

A shell waits for this with the prompt standing still, so that nothing here may take long or fail.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

import typer

from tidemill.cli.client import API, connect
from tidemill.cli.failures import CommandFailed
from tidemill.cli.http import Request, exchange

seconds_max: Final = 1.0
offers_max: Final = 100
_page_limit: Final = 200


def states(incomplete: str) -> list[str]:
    """Return the states of jobs that begin so."""
    from tidemill.jobs import JobState  # noqa: PLC0415 - commands start quicker without it

    return [state.value for state in JobState if state.value.startswith(incomplete)]


def tags(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the tags that begin so."""
    return _named(ctx, "/tags", "tag", incomplete)


def scripts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the paths of scripts that begin so."""
    return _named(ctx, "/scripts", "path", incomplete)


def _named(ctx: typer.Context, path: str, field: str, incomplete: str) -> list[str]:
    url = ctx.find_root().params.get("url")
    if url:
        os.environ["TIDEMILL_URL"] = url  # As `tidemill --url` does, which is not called here.
    offers: list[str] = []
    try:
        fitting = (name for name in _names(path, field) if name.startswith(incomplete))
        offers.extend(islice(fitting, offers_max))
    except (CommandFailed, OSError, ValueError, LookupError, TypeError):
        pass  # No login, no server, or none of ours: what was read so far is all there is.
    return offers


def _names(path: str, field: str) -> Iterator[str]:
    """Yield a field of each item of a list, page by page, as long as there is time."""
    end = time.monotonic() + seconds_max
    client = connect()
    # A login that has run out is renewed in full, since a renewal that is cut off ends it. So it
    # must first be seen that somebody answers.
    exchange(client.url, Request("GET", "/live"), timeout=seconds_max)
    cursor: str | None = None
    while (left := end - time.monotonic()) > 0:
        query = {"limit": _page_limit, "cursor": cursor}
        page = client.ask(Request("GET", API + path, query=query), timeout=left).json()
        yield from (str(item[field]) for item in page["items"])
        cursor = page.get("next_cursor")
        if not cursor:
            return
