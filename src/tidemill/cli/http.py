"""One HTTP exchange with a server, with the standard library alone, since commands start often."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPResponse
from io import BufferedReader
from ipaddress import ip_address
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from tidemill import __version__
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode, ServerUnreachable

timeout_seconds: Final = 60.0
_NOT_MODIFIED: Final = 304


class Answer:
    """What the server answered with success."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """Return the body as data; None when there is none."""
        return json.loads(self.body) if self.body else None


class Request:
    """What to ask: method, path with query, headers and body.

    A body that is a file is read as it is sent; the headers say how long it is.
    """

    def __init__(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        wanted = {key: value for key, value in (query or {}).items() if value is not None}
        self.method = method
        self.target = f"{path}?{urlencode(wanted, doseq=True)}" if wanted else path
        self.headers = {"Accept": "application/json", "User-Agent": f"tidemill/{__version__}"}
        self.data: bytes | BufferedReader | None = None
        if isinstance(body, bytes | BufferedReader):
            self.data = body
        elif body is not None:
            self.data = json.dumps(body, ensure_ascii=False).encode()
            self.headers["Content-Type"] = "application/json"
        self.headers.update(headers or {})


def exchange(url: str, request: Request, *, timeout: float = timeout_seconds) -> Answer:
    """Return the answer to `request`; raises `AnsweredWithError` and `ServerUnreachable`."""
    with open_stream(url, request, timeout=timeout) as response:
        try:
            body = response.read()
        except (OSError, HTTPException) as error:
            raise ServerUnreachable(url, f"the answer broke off: {error}") from error
        return Answer(response.status, dict(response.headers.items()), body)


def open_stream(
    url: str, request: Request, *, timeout: float | None = timeout_seconds
) -> HTTPResponse:
    """Return the open answer; the caller reads it to its end and closes it."""
    if isinstance(request.data, BufferedReader):
        request.data.seek(0)  # It is asked again, with a new token.
    asked = urllib.request.Request(  # noqa: S310 - `checked_url` let only http and https pass
        checked_url(url) + request.target,
        data=request.data,
        headers=request.headers,
        method=request.method,
    )
    try:
        return cast("HTTPResponse", _opener(url).open(asked, timeout=timeout))
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error) from None
    except urllib.error.URLError as error:
        raise ServerUnreachable(url, reason_of(error.reason)) from None
    except (OSError, HTTPException) as error:
        raise ServerUnreachable(url, reason_of(error)) from None


def lines(response: HTTPResponse, url: str) -> Iterator[str]:
    """Yield the lines of an open answer as they arrive."""
    try:
        for raw in response:
            yield raw.decode("utf-8", "replace").rstrip("\r\n")
    except (OSError, HTTPException, ValueError) as error:
        raise ServerUnreachable(url, f"the stream broke off: {reason_of(error)}") from error


def checked_url(url: str) -> str:
    """Return `url` without a slash at its end; refuse what is not http or https."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CommandFailed(
            f"{url!r} is not the address of a server; write http://host:port.", ExitCode.USAGE
        )
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Return whether `url` names this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """Follow nothing: a redirection could carry the token to somebody else."""
        del args


def _opener(url: str) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if is_loopback(url):
        handlers.append(urllib.request.ProxyHandler({}))
    else:
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    return urllib.request.build_opener(*handlers)


def _refusal(error: urllib.error.HTTPError) -> CommandFailed:
    try:
        body = json.loads(error.read())
        detail = body["error"]
        message = str(detail["message"])
        code, param = detail.get("code"), detail.get("param")
    except (ValueError, KeyError, TypeError, OSError):
        text = f"The server answered {error.code} {error.reason}; is this a Tidemill server?"
        return AnsweredWithError(error.code, text)
    request_id = error.headers.get("X-Request-Id")
    if error.code >= 500 and request_id and request_id not in message:
        message = f"{message} (request {request_id})"
    return AnsweredWithError(error.code, message, code=code, param=param, body=body)


def reason_of(error: object) -> str:
    """Return why nothing answered, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
