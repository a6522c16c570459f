"""Repositories over HTTP, from a server that asks for a password."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.fixtures.git_repository import BareRepository
from tidemill.core.git import GitCommit, GitFailed, GitOutrun, GitPlace
from tidemill.infrastructure.git.repositories import CommandLineGit, GitLimits

pytestmark = pytest.mark.anyio
_SECRET: Final = "hush-hush"
_LIMITS: Final = GitLimits(
    repository_bytes_max=1_000_000,
    files_max=100,
    file_bytes_max=10_000,
    seconds_max=60,
    http_allowed=True,
)


class _GitHandler(BaseHTTPRequestHandler):
    """Hands requests with the right password to git's own CGI program."""

    root: Path

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name is given
        del format, args

    def _serve(self) -> None:
        wanted = base64.b64encode(f"bot:{_SECRET}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": path.path,
            "QUERY_STRING": path.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "bot",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=self.rfile.read(length),
            env=environment,
            capture_output=True,
            check=True,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Served:
    def __init__(self, repository: BareRepository, port: int) -> None:
        self.repository = repository
        self.url = f"http://git.example:{port}/board.git"
        self.asked: list[tuple[str, int]] = []
        self.git = CommandLineGit(self._resolve, lambda host, port: None, _LIMITS)

    def place(self, secret: str = _SECRET, branch: str = "main") -> GitPlace:
        return GitPlace(url=self.url, branch=branch, username="bot", secret=secret)

    def _resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return ["127.0.0.1"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    repository = BareRepository(tmp_path / "repositories")
    repository.git("config", "http.receivepack", "true", at=repository.path)
    handler = type("Handler", (_GitHandler,), {"root": repository.path.parent})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(repository, server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


async def test_push_reaches_the_approved_address_alone_with_the_credential(served: Served) -> None:
    first = GitCommit(
        name="Ada <x>", address="ada@example.org", message="Begin", writes={"a b.md": b"one\n"}
    )
    second = GitCommit(
        name="Bob", address="bob@example.org", message="Go on", writes={"c.md": b"two"}
    )
    async with served.git.copy(served.place()) as copy:
        empty = await copy.snapshot("")
        await copy.push([first])
    async with served.git.copy(served.place()) as copy:
        found = await copy.snapshot("")
        commit = await copy.push([second])

    # No name server knows the host: git has connected where it was told to.
    assert set(served.asked) == {("git.example", urlsplit(served.url).port)}
    assert (empty.commit, dict(found.files)) == (None, {"a b.md": b"one\n"})
    assert served.repository.git("rev-parse", "main", at=served.repository.path).strip() == commit
    assert served.repository.log() == [
        "Bob <bob@example.org> Go on",
        "Ada x <ada@example.org> Begin",
    ]


async def test_push_never_overwrites_what_somebody_else_pushed(served: Served) -> None:
    one = GitCommit(name="Ada", address="a@example.org", message="One", writes={"a.md": b"1"})
    async with served.git.copy(served.place()) as copy:
        await copy.push([one])
    async with served.git.copy(served.place()) as early:
        async with served.git.copy(served.place()) as other:
            await other.push([GitCommit(name="B", address="b@e", message="Two")])
        with pytest.raises(GitOutrun):
            await early.push([GitCommit(name="C", address="c@e", message="Three")])

    assert served.repository.log("%s") == ["Two", "One"]


async def test_copy_says_what_is_wrong_and_never_the_secret(served: Served) -> None:
    with pytest.raises(GitFailed) as refused:
        async with served.git.copy(served.place("wrong-word")):
            pass

    assert "wrong-word" not in str(refused.value)
    assert "wrong-word" not in repr(served.place("wrong-word"))


async def test_copy_refuses_what_is_too_large(served: Served) -> None:
    served.repository.write("big.bin", os.urandom(1_500_000).hex())
    served.repository.push()

    with pytest.raises(GitFailed):
        async with served.git.copy(served.place()) as copy:
            await copy.snapshot("")


async def test_snapshot_reads_no_links_and_no_large_files(served: Served) -> None:
    served.repository.write("dir/fine.md", "fine")
    served.repository.write("dir/large.md", "x" * 20_000)
    (served.repository.clone / "dir" / "link.md").symlink_to("/etc/passwd")
    (served.repository.clone / "also").symlink_to("dir")
    served.repository.push()

    async with served.git.copy(served.place()) as copy:
        found = await copy.snapshot("dir")
        with pytest.raises(GitFailed, match="also is no directory"):
            await copy.snapshot("also")

    assert dict(found.files) == {"fine.md": b"fine"}
    assert sorted(found.refused) == ["large.md", "link.md"]
