"""The server as commands see it: where it is, who asks, and how to ask."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from tidemill.cli import credentials
from tidemill.cli.credentials import Login, login_from
from tidemill.cli.failures import (
    AnsweredWithError,
    CommandFailed,
    ExitCode,
    NotLoggedIn,
    ServerUnreachable,
)
from tidemill.cli.http import Answer, Request, checked_url, exchange, open_stream
from tidemill.cli.output import note, remember_more

API: Final = "/api/v1"
refresh_before_seconds: Final = 30
_again_after_seconds: Final = (0.5, 1.0, 2.0)
_UNAUTHORIZED: Final = 401
_page_limit: Final = 200


class Client:
    """Asks one server as one actor; renews an access token that has run out, once."""

    def __init__(self, url: str, *, token: str | None = None, login: Login | None = None) -> None:
        self.url = checked_url(url)
        self._token = token
        self._login = login

    def get(self, path: str, /, **query: object) -> Any:
        """Return the document at `path`."""
        return self.ask(Request("GET", API + path, query=query)).json()

    def post(
        self, path: str, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send `body` to `path`; return the answer's document."""
        return self.ask(Request("POST", API + path, body=body, headers=headers)).json()

    def patch(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> Any:
        """Change the fields of `body` at `path`."""
        return self.ask(Request("PATCH", API + path, body=body, headers=headers)).json()

    def put(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> Any:
        """Put `body` at `path`."""
        return self.ask(Request("PUT", API + path, body=body, headers=headers)).json()

    def delete(
        self, path: str, *, headers: Mapping[str, str] | None = None, **query: object
    ) -> None:
        """Remove what is at `path`."""
        self.ask(Request("DELETE", API + path, query=query, headers=headers))

    def pages(
        self, path: str, /, *, limit: int | None, **query: object
    ) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page by page, up to `limit`; None means all.

        That there are more is remembered, for whoever prints them.
        """
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            size = _page_limit if left is None else min(left, _page_limit)
            page = self.get(path, limit=size, cursor=cursor, **query)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if left is not None:
                left -= len(page["items"])
            if not cursor:
                return
        remember_more()

    def ask(self, request: Request, *, timeout: float = 60.0) -> Answer:
        """Return the answer to `request`, asked with this client's credential."""
        self._authorize(request)
        try:
            return exchange(self.url, request, timeout=timeout)
        except AnsweredWithError as error:
            if not self._renewable(error):
                if error.status == _UNAUTHORIZED and self._token:
                    note("The token is that of TIDEMILL_TOKEN, which stands before any login.")
                raise
        self._renew()
        self._authorize(request)
        return exchange(self.url, request, timeout=timeout)

    def ask_once(self, request: Request, *, timeout: float) -> Answer:
        """Return the answer to a request that writes; where it is lost, it is asked for again.

        The request carries a key of its own, so that the server does only once what it asks for.
        """
        request.headers["Idempotency-Key"] = uuid4().hex
        for seconds in _again_after_seconds:
            try:
                return self.ask(request, timeout=timeout)
            except ServerUnreachable:
                time.sleep(seconds)
        return self.ask(request, timeout=timeout)

    @contextmanager
    def stream(
        self, path: str, *, last_event_id: str | None = None, **query: object
    ) -> Iterator[HTTPResponse]:
        """Open an event stream at `path`, after the event of that id where one is given."""
        request = Request("GET", API + path, query=query, headers={"Accept": "text/event-stream"})
        if last_event_id is not None:
            request.headers["Last-Event-ID"] = last_event_id
        self._authorize(request)
        with open_stream(self.url, request) as response:
            yield response

    @contextmanager
    def content(self, path: str) -> Iterator[HTTPResponse]:
        """Open the bytes at `path`, for the caller to read."""
        request = Request("GET", API + path, headers={"Accept": "*/*"})
        self._authorize(request)
        with open_stream(self.url, request) as response:
            yield response

    def bearer(self) -> str:
        """Return a token that is valid for a while."""
        if self._token:
            return self._token
        if self._login is None:
            raise NotLoggedIn(self.url)
        if self._login.expires_at - refresh_before_seconds <= time.time():
            self._renew()
        return self._login.access_token

    def remember(self, login: Login) -> None:
        """Keep `login` as the current one."""
        self._login = login
        with credentials.locked():
            credentials.write(credentials.read().with_login(self.url, login))

    @property
    def login(self) -> Login | None:
        """The stored login in use, if any."""
        return self._login

    def _authorize(self, request: Request) -> None:
        request.headers["Authorization"] = f"Bearer {self.bearer()}"

    def _renewable(self, error: AnsweredWithError) -> bool:
        return error.status == _UNAUTHORIZED and self._login is not None and not self._token

    def _renew(self) -> None:
        """Get a new access token, unless another command did so meanwhile."""
        used = self._login
        if used is None:
            raise NotLoggedIn(self.url)
        with credentials.locked():
            stored = credentials.read()
            latest = stored.logins.get(self.url)
            if latest is not None and latest.refresh_token != used.refresh_token:
                self._login = latest
                return
            self._login = self._refreshed(used)
            credentials.write(stored.with_login(self.url, self._login))

    def _refreshed(self, used: Login) -> Login:
        body = {"refresh_token": used.refresh_token}
        try:
            answer = exchange(self.url, Request("POST", f"{API}/auth/refresh", body=body))
        except AnsweredWithError as error:
            if error.status == _UNAUTHORIZED:
                raise NotLoggedIn(self.url, "the login has ended") from error
            raise
        return login_from(answer.json(), used.email, time.time())


def server_url() -> str:
    """Return the address to talk to: TIDEMILL_URL, the last login, or this machine."""
    return (
        os.environ.get("TIDEMILL_URL") or credentials.read().current or credentials.default_url
    ).rstrip("/")


def connect() -> Client:
    """Return a client with the best credential at hand; raises `NotLoggedIn`.

    TIDEMILL_TOKEN wins over a stored login.
    """
    url = checked_url(server_url())
    token = os.environ.get("TIDEMILL_TOKEN")
    login = credentials.read().logins.get(url)
    if not token and login is None:
        raise NotLoggedIn(url)
    return Client(url, token=token, login=login)


def segment(text: str) -> str:
    """Return `text`, an id or a name, as one segment of a path.

    Raises `CommandFailed` for what the server would take for another address.
    """
    _check_named(text)
    if "/" in text:
        raise CommandFailed(f"There is no {text!r}: ids and names have no '/'.", ExitCode.NOT_FOUND)
    return quote(text, safe="")


def segments(text: str) -> str:
    """Return `text`, a path such as `reports/daily`, for use in a URL; see `segment`."""
    _check_named(text.strip("/"))
    return quote(text, safe="/")


def _check_named(text: str) -> None:
    if not text.strip():
        raise CommandFailed("An id, name or path is empty; say which one.", ExitCode.USAGE)
