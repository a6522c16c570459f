"""One HTTP request and its answer, by the standard library, over guarded connections."""

from __future__ import annotations

import base64
import http.client
import io
import json
import re
import socket
import ssl
import time
import zlib
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from .addresses import Guard
from .answers import Failed
from .journal import say

_PLACE: Final = re.compile(r"\{([A-Za-z_]\w*(?:\.\w+)*)\}")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# A key may be in any other header, such as x-api-key.
_FOR_ANYONE: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_STEPS: Final = frozenset({".", ".."})
_PORTS: Final = {"http": 80, "https": 443}
_TOKEN_BYTES_MAX: Final = 64 * 1024
_READ_BYTES: Final = 64 * 1024
_LATE: Final = "The request took longer than its limit (timeout_seconds)."


class Request:
    """What to ask."""

    def __init__(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None = None
    ) -> None:
        self.method = method
        self.headers = headers
        self.body = body
        self.move(url)

    @classmethod
    def of(cls, document: dict[str, Any], arguments: dict[str, Any]) -> Request:
        """Return the request of `document`, each argument encoded for the place where it goes."""
        url = _url(document["url"], arguments)
        if any(unquote(step) in _STEPS for step in urlsplit(url).path.split("/")):
            # Encoding does not help: servers take %2E%2E for the same.
            raise Failed("UrlInvalid", "An argument would make the path of the url step up.")
        query = _filled(document["query"], arguments)
        if query:
            pairs = [
                (name, _text(one))
                for name, value in query.items()
                if value is not None
                for one in (value if isinstance(value, list) else [value])
            ]
            url += ("&" if urlsplit(url).query else "?") + urlencode(pairs)
        filled = _filled(document["headers"], arguments)
        headers = {name.lower(): _header(name, _text(value)) for name, value in filled.items()}
        body = None
        if document["body"] is not None:
            value = _filled(document["body"], arguments)
            if isinstance(value, str):
                body = value.encode()
            else:
                body = json.dumps(value, ensure_ascii=False).encode()
                headers.setdefault("content-type", "application/json")
        headers.setdefault("accept", "*/*")
        headers.setdefault("user-agent", "tidemill")
        return cls(document["method"], url, headers, body)

    def move(self, url: str) -> None:
        """Aim at another address."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
            raise Failed("UrlInvalid", "The url must be http(s)://host/path, without a password.")
        try:
            self.port = parts.port or _PORTS[parts.scheme]
        except ValueError:
            raise Failed("UrlInvalid", "The port of the url is none.") from None
        self.url, self.scheme, self.host, self.netloc = (
            url, parts.scheme, parts.hostname, parts.netloc,
        )  # fmt: skip
        self.target = urlunsplit(("", "", parts.path or "/", parts.query, ""))


class _Timed:
    """A socket for `http.client` that gives up at a deadline, however slowly the other end talks.

    A socket's own limit begins anew with each byte.
    """

    def __init__(self, plug: socket.socket, deadline: float) -> None:
        self._plug = plug
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        rest = memoryview(data)
        while rest:
            self._plug.settimeout(_left(self._deadline))
            rest = rest[self._plug.send(rest) :]

    def makefile(self, _: str) -> io.BufferedReader:
        """Return what the other end says."""
        return io.BufferedReader(_Reader(self._plug, self._deadline))

    def close(self) -> None:
        """Leave the socket open: the answer is read after its head, and whoever made it ends it."""


class _Reader(io.RawIOBase):
    def __init__(self, plug: socket.socket, deadline: float) -> None:
        super().__init__()
        self._plug = plug
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plug.settimeout(_left(self._deadline))
        return self._plug.recv_into(buffer)


class Exchange:
    """Carries requests to hosts that the guard approves."""

    def __init__(self, guard: Guard, settings: dict[str, Any]) -> None:
        self._guard = guard
        self._seconds: float = settings["request"]["timeout_seconds"]
        self._redirects: int = settings["request"]["redirects_max"]
        self._bytes_max: int = settings["body_bytes_max"]

    def authorize(self, request: Request, place: str | None, arguments: dict[str, Any]) -> None:
        """Add the credential of a resource: a token, a user with a password, or OAuth2."""
        if place is None:
            return
        resource = _value(place.strip("{}"), arguments)
        if not isinstance(resource, dict):
            raise Failed("ResourceInvalid", f"args.{place.strip('{}')} must be a resource of http.")
        if resource.get("token_url"):
            request.headers["authorization"] = f"Bearer {self._client_token(resource)}"
        elif resource.get("token"):
            request.headers["authorization"] = _header("token", f"Bearer {resource['token']}")
        elif resource.get("username"):
            pair = f"{resource['username']}:{resource.get('password') or ''}"
            request.headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        for name, value in (resource.get("headers") or {}).items():
            request.headers.setdefault(str(name).lower(), _header(str(name), str(value)))

    def ask(self, request: Request, *, redirects: int | None = None) -> dict[str, Any]:
        """Return status, headers and body, after redirects; raises `OSError` and `Failed`."""
        most = self._redirects if redirects is None else redirects
        current = Request(request.method, request.url, dict(request.headers), request.body)
        deadline = time.monotonic() + self._seconds
        for _ in range(most + 1):
            answer = self._one(current, deadline)
            location = answer["headers"].get("location")
            if answer["status"] not in _REDIRECTS or not location or most == 0:
                return answer
            self._follow(current, answer["status"], location)
        raise Failed("TooManyRedirects", f"More than {most} redirects.")

    def _follow(self, request: Request, status: int, location: str) -> None:
        before = (request.scheme, request.host, request.port)
        request.move(urljoin(request.url, location))
        say("INFO", f"redirected to {request.scheme}://{request.netloc}")
        if (request.scheme, request.host, request.port) != before:
            # What is meant for one host is told to no other.
            told = {name: text for name, text in request.headers.items() if name in _FOR_ANYONE}
            request.headers = told
            if request.body is not None and status in {307, 308}:
                raise Failed(
                    "RedirectRefused",
                    f"The answer wants the body of the request at {request.netloc}, another host. "
                    "Name that host in the url if it may have it.",
                )
        if status == 303 or (status in {301, 302} and request.method == "POST"):
            request.method, request.body = "GET", None
            request.headers.pop("content-type", None)

    def _one(self, request: Request, deadline: float) -> dict[str, Any]:
        plug = self._connected(request, deadline)
        connection = http.client.HTTPConnection(request.host, request.port)
        connection.sock = _Timed(plug, deadline)
        try:
            headers = {**request.headers, "host": request.netloc, "connection": "close"}
            headers.setdefault("accept-encoding", "gzip")
            connection.request(request.method, request.target, request.body, headers)
            response = connection.getresponse()
            said = {name.lower(): value for name, value in response.getheaders()}
            body, truncated = self._body(response, said)
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        except TimeoutError:
            raise TimeoutError(_LATE) from None
        finally:
            connection.close()
            plug.close()
        answer = {"status": response.status, "headers": said, "body": _decoded(body, said)}
        if truncated:
            answer |= {"body": body.decode(errors="replace"), "truncated": True}
        return answer

    def _connected(self, request: Request, deadline: float) -> socket.socket:
        addresses = self._guard.resolve(request.host, request.port)
        plug: socket.socket | None = None
        for address in addresses:
            try:
                # The address that was checked, and not the name: it may lead elsewhere by now.
                plug = socket.create_connection((address, request.port), _left(deadline))
                break
            except OSError:
                if address == addresses[-1]:
                    raise
        assert plug is not None  # noqa: S101 - the last failure was raised
        if request.scheme == "https":
            context = ssl.create_default_context()
            plug.settimeout(_left(deadline))
            plug = context.wrap_socket(plug, server_hostname=request.host)
        return plug

    def _body(self, response: http.client.HTTPResponse, said: dict[str, str]) -> tuple[bytes, bool]:
        unpack = zlib.decompressobj(47) if said.get("content-encoding") == "gzip" else None
        body, read = bytearray(), 0
        while data := response.read1(_READ_BYTES):
            read += len(data)
            body += unpack.decompress(data, self._bytes_max + 1) if unpack else data
            if len(body) > self._bytes_max:
                return bytes(body[: self._bytes_max]), True
        # Whoever reads part by part is told nothing of an end that came too soon.
        if response.length or (unpack is not None and read and not unpack.eof):
            raise http.client.IncompleteRead(bytes(body), response.length)
        return bytes(body), False

    def _client_token(self, resource: dict[str, Any]) -> str:
        form = {"grant_type": "client_credentials"}
        for name in ("client_id", "client_secret", "scope", "audience"):
            if resource.get(name):
                form[name] = str(resource[name])
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        request = Request("POST", str(resource["token_url"]), headers, urlencode(form).encode())
        # A client's secret goes to the host that the resource names, and nowhere else.
        answer = self.ask(request, redirects=0)
        token = answer["body"].get("access_token") if isinstance(answer["body"], dict) else None
        if answer["status"] != 200 or not isinstance(token, str):
            raise Failed(
                "TokenRefused", f"{request.host} gave no token: it answered {answer['status']}."
            )
        say("INFO", f"{request.host} gave a token")
        return _header("access_token", token)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(_LATE)
    return left


def _decoded(body: bytes, headers: dict[str, str]) -> Any:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(body)
        except ValueError:
            return body.decode(errors="replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _url(template: str, arguments: dict[str, Any]) -> str:
    """Return the address; only what begins it may be an address itself."""

    def place(match: re.Match[str]) -> str:
        text = _text(_value(match[1], arguments))
        if match.start() == 0:
            return text.rstrip("/")
        return quote(text, safe="")

    return _PLACE.sub(place, template)


def _filled(template: Any, arguments: dict[str, Any]) -> Any:
    """Return `template` with the arguments in their places; one alone keeps its type."""
    if isinstance(template, dict):
        return {name: _filled(value, arguments) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, arguments) for value in template]
    if not isinstance(template, str):
        return template
    alone = _PLACE.fullmatch(template)
    if alone:
        return _value(alone[1], arguments)
    return _PLACE.sub(lambda match: _text(_value(match[1], arguments)), template)


def _value(place: str, arguments: dict[str, Any]) -> Any:
    value: Any = arguments
    for name in place.split("."):
        if not isinstance(value, dict) or name not in value:
            raise Failed("ArgumentsInvalid", f"args.{place}: there is no such value.")
        value = value[name]
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _header(name: str, value: str) -> str:
    if "\r" in value or "\n" in value or "\0" in value:
        raise Failed("HeaderInvalid", f"The header {name} would hold a line break.")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise Failed("HeaderInvalid", f"The header {name} holds more than Latin-1.") from None
    return value
