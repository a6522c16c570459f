"""Repositories of git through its command line, without ever checking anything out."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from tidemill.core.git import GitCommit, GitFailed, GitOutrun, GitPlace, GitSnapshot
from tidemill.infrastructure.git.commands import GitCommands

_PORTS: Final = {"https": 443, "http": 80}
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
_VERSION_MIN: Final = (2, 38)
_HEAD: Final = "refs/tidemill/head"
_NEW: Final = "refs/tidemill/new"
_PLAIN: Final = frozenset({"100644", "100755"})
_OUTRUN: Final = (
    "[rejected]",
    "non-fast-forward",
    "fetch first",
    "[remote rejected]",
    "cannot lock",
)
# For repositories of this machine the other end runs here, too: its own hooks stay out, and
# whoever owns its files, the operator has named the directory.
_OTHER_END: Final = "git -c core.hooksPath=/dev/null -c safe.directory=*"

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host that may be connected to; raises `GitFailed`. Blocks."""


class GitLimits(Struct, frozen=True, kw_only=True):
    """What bounds one sync; `local_directory` is '' where no repository of this machine is read."""

    repository_bytes_max: int
    files_max: int
    file_bytes_max: int
    seconds_max: float
    http_allowed: bool = False
    local_directory: str = ""


class CommandLineGit:
    """See `GitRepositories`. `refusal_of` says why a literal address is refused; None for names."""

    def __init__(
        self,
        resolve: Resolve,
        refusal_of: Callable[[str, int], str | None],
        limits: GitLimits,
    ) -> None:
        self._resolve = resolve
        self._refusal_of = refusal_of
        self._limits = limits

    def refusal(self, url: str) -> str | None:
        """See `GitRepositories.refusal`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "This is no URL; write https://host/path.git."
        if parts.scheme == "file":
            return self._local_refusal(parts.netloc, parts.path)
        if parts.scheme != "https" and not (parts.scheme == "http" and self._limits.http_allowed):
            return "A repository is read by https://host/path.git."
        if not parts.hostname or parts.username is not None or parts.password is not None:
            return "Write https://host/path.git; user and password have fields of their own."
        if parts.query or parts.fragment or not url.isascii() or not url.isprintable():
            return "Write https://host/path.git in ASCII, without ? and #."
        return self._refusal_of(parts.hostname, port or _PORTS[parts.scheme])

    @asynccontextmanager
    async def copy(self, place: GitPlace) -> AsyncIterator[CommandLineCopy]:
        """See `GitRepositories.copy`."""
        refusal = self.refusal(place.url)
        if refusal is not None:
            raise GitFailed(refusal)
        try:
            async with asyncio.timeout(self._limits.seconds_max):
                with tempfile.TemporaryDirectory(prefix="tidemill-git-") as directory:
                    settings = await self._settings(place)
                    copy = CommandLineCopy(Path(directory), place, settings, self._limits)
                    await copy.fetch()
                    yield copy
        except TimeoutError:
            raise GitFailed(f"It took longer than {self._limits.seconds_max:g} s.") from None
        except OSError as error:
            raise GitFailed(f"The server has no room for it: {error.strerror}.") from error

    async def _settings(self, place: GitPlace) -> dict[str, str]:
        """Return what git is told besides: the approved addresses, and the credential."""
        parts = urlsplit(place.url)
        if parts.scheme == "file":
            return {}
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        addresses = await asyncio.to_thread(self._resolve, host, port)
        shown = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
        settings = {"http.proxy": "", "http.curloptResolve": f"{host}:{port}:{shown}"}
        if place.secret:
            pair = base64.b64encode(f"{place.username}:{place.secret}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {pair}"
        return settings

    def _local_refusal(self, host: str, path: str) -> str | None:
        root = self._limits.local_directory
        if not root:
            return "The operator lets no repository of this machine be read; use https://."
        if host or not path.startswith("/") or "%" in path:
            return "Write file:///path/of/a/bare/repository."
        # What leads out of the directory by links is out of it.
        real, top = os.path.realpath(path), os.path.realpath(root)
        if os.path.commonpath([real, top]) != top or real == top:
            return "This is not below the directory whose repositories the operator lets be read."
        return None


class CommandLineCopy:
    """See `GitCopy`."""

    def __init__(
        self, directory: Path, place: GitPlace, settings: dict[str, str], limits: GitLimits
    ) -> None:
        self._place = place
        self._settings = settings
        self._limits = limits
        self._git = GitCommands(
            directory,
            file_bytes_max=limits.repository_bytes_max,
            protocol=urlsplit(place.url).scheme,
        )
        self._commit: str | None = None

    async def fetch(self) -> None:
        """Read the last commit of the branch, and nothing of what was before."""
        await self._check_version()
        await self._git.run("init", "--quiet", "--bare", "--template=", ".")
        reference = f"refs/heads/{self._place.branch}"
        upload = f"--upload-pack={_OTHER_END} upload-pack"
        listed = await self._remote("ls-remote", upload, self._place.url, reference)
        if reference not in listed.decode(errors="replace").split():
            return
        await self._remote(
            "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", upload,
            self._place.url, f"+{reference}:{_HEAD}",
        )  # fmt: skip
        found = await self._git.run("rev-parse", "--verify", f"{_HEAD}^{{commit}}")
        self._commit = found.decode().strip()

    async def snapshot(self, directory: str) -> GitSnapshot:
        """See `GitCopy.snapshot`."""
        if self._commit is None:
            return GitSnapshot(commit=None, files={}, refused={})
        await self._check_directories(directory)
        start = f"{directory}/" if directory else ""
        listed = await self._git.run(
            "ls-tree", "-r", "-l", "-z", "--full-tree", self._commit, *([start] if start else []),
            bytes_max=self._limits.files_max * 1000,
        )  # fmt: skip
        wanted: dict[str, str] = {}
        refused: dict[str, str] = {}
        for line in listed.decode(errors="surrogateescape").split("\x00"):
            about, _, path = line.partition("\t")
            if not path:
                continue
            mode, _, object_id, size = about.split()
            name = path.removeprefix(start)
            if not name.isprintable() or not path.startswith(start):
                continue
            if mode not in _PLAIN:
                refused[name] = f"{name} is no plain file, and is not read."
            elif int(size) > self._limits.file_bytes_max:
                most = self._limits.file_bytes_max
                refused[name] = f"{name} has {size} bytes; {most} are the limit."
            else:
                wanted[name] = object_id
        if len(wanted) + len(refused) > self._limits.files_max:
            raise GitFailed(f"There are more than {self._limits.files_max} files.")
        return GitSnapshot(commit=self._commit, files=await self._read(wanted), refused=refused)

    async def push(self, commits: Sequence[GitCommit]) -> str:
        """See `GitCopy.push`."""
        stream = b"".join(self._stream(commits))
        await self._git.run("fast-import", "--quiet", "--done", stdin=stream)
        made = (await self._git.run("rev-parse", "--verify", _NEW)).decode().strip()
        try:
            await self._remote(
                "push", "--quiet", "--no-verify", "--no-follow-tags",
                f"--receive-pack={_OTHER_END} receive-pack",
                self._place.url, f"{_NEW}:refs/heads/{self._place.branch}",
            )  # fmt: skip
        except GitFailed as error:
            if any(word in str(error) for word in _OUTRUN):
                raise GitOutrun(str(error)) from None
            raise
        return made

    async def _check_version(self) -> None:
        """Raise `GitFailed` for a git that would connect to other addresses than approved."""
        told = (await self._git.run("version")).decode(errors="replace")
        found = _VERSION.search(told)
        if found is None or (int(found[1]), int(found[2])) < _VERSION_MIN:
            least = ".".join(map(str, _VERSION_MIN))
            raise GitFailed(f"The server needs git {least} or later.")

    async def _remote(self, *arguments: str) -> bytes:
        return await self._git.run(*arguments, settings=self._settings)

    async def _check_directories(self, directory: str) -> None:
        """Raise `GitFailed` where a part of the way is no directory, such as a link."""
        names = directory.split("/") if directory else []
        for end in range(1, len(names) + 1):
            part = "/".join(names[:end])
            line = await self._git.run("ls-tree", "-z", "--full-tree", str(self._commit), part)
            if line and line.split(maxsplit=2)[1] != b"tree":
                raise GitFailed(f"{part} is no directory in the repository.")

    async def _read(self, wanted: dict[str, str]) -> dict[str, bytes]:
        if not wanted:
            return {}
        asked = "".join(f"{object_id}\n" for object_id in wanted.values()).encode()
        printed = await self._git.run(
            "cat-file", "--batch", stdin=asked, bytes_max=self._limits.repository_bytes_max
        )
        found: dict[str, bytes] = {}
        at = 0
        for name in wanted:
            end = printed.index(b"\n", at)
            size = int(printed[at:end].split()[2])
            found[name] = printed[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return found

    def _stream(self, commits: Sequence[GitCommit]) -> list[bytes]:
        """Return commits as `fast-import` reads them, one on top of the other."""
        stream: list[bytes] = []
        for number, commit in enumerate(commits, start=1):
            who = f"{_name(commit.name)} <{_address(commit.address)}>"
            stream += [
                f"commit {_NEW}\nmark :{number}\n".encode(),
                f"author {who} now\ncommitter Tidemill <tidemill@localhost> now\n".encode(),
                _data(commit.message.encode()),
            ]
            if number > 1:
                stream.append(f"from :{number - 1}\n".encode())
            elif self._commit is not None:
                stream.append(f"from {self._commit}\n".encode())
            stream += [f"D {_path(path)}\n".encode() for path in sorted(commit.removes)]
            for path, content in sorted(commit.writes.items()):
                stream += [f"M 100644 inline {_path(path)}\n".encode(), _data(content)]
            stream.append(b"\n")
        return [b"feature date-format=now\n", *stream, b"done\n"]


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _name(text: str) -> str:
    kept = "".join(char for char in text if char not in "<>\x00" and char.isprintable())
    return kept.strip() or "Unknown"


def _address(text: str) -> str:
    return "".join(char for char in text if char not in "<> \x00" and char.isprintable())


def _path(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
