"""Hides in what a job prints and returns the secrets that it has read.

This guards against mistakes, such as a connection string in a traceback. A job that wants to can
print a secret in another form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from tidemill.jobs.execution.worker.pipes import Pipe

secret_chars_min: Final = 4
"""Shorter ones stand in too many words."""
line_chars_min: Final = 8
secrets_max: Final = 1_000
_HIDDEN: Final = "[redacted]"
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
"""A text within JSON, as it is written."""


class Redaction:
    """The secrets of one job, and texts without them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._texts: set[str] = set()
        self._secrets: set[str] = set()
        self.bytes: tuple[bytes, ...] = ()
        self.pattern: re.Pattern[bytes] | None = None
        self.hide(secrets)

    def share(self, known: set[str]) -> None:
        """Hide what is `known` too, and add to it what this job learns."""
        known.update(self._secrets)
        self._secrets = known
        self.hide(tuple(known))

    def hide(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, in each form that is likely to be printed."""
        secrets = tuple(secrets)
        if len(self._secrets) < secrets_max:
            self._secrets.update(secrets)
        for secret in secrets:
            if len(self._texts) < secrets_max:
                self._texts.update(_forms(secret))
        # The longest first: one secret may be the beginning of another.
        texts = sorted(self._texts, key=lambda text: (-len(text), text))
        self.bytes = tuple(text.encode() for text in texts)
        if self.bytes:
            self.pattern = re.compile(b"|".join(re.escape(each) for each in self.bytes))

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        if self.pattern is None:
            return text
        plain = text.encode(errors="surrogatepass")
        return self.pattern.sub(_HIDDEN.encode(), plain).decode(errors="replace")

    def fields(self, error: dict[str, str] | None) -> dict[str, str] | None:
        """Return the error of a job without secrets."""
        if error is None or self.pattern is None:
            return error
        return {name: self.text(value) for name, value in error.items()}

    def result(self, result: bytes) -> bytes:
        """Return the result of a job, which is JSON, without secrets in its texts and names.

        Numbers and the rest stay to the byte: other jobs read them.
        """
        if self.pattern is None or not (b"\\" in result or self.pattern.search(result)):
            return result
        return _STRING.sub(self._shown, result)

    def _shown(self, string: re.Match[bytes]) -> bytes:
        text = json.loads(string[0])
        shown = self.text(text)
        return string[0] if shown == text else json.dumps(shown, ensure_ascii=False).encode()

    def pipe(
        self,
        descriptor: int,
        write: Callable[[bytes], Awaitable[None]],
        *takers: Callable[[bytes], None],
    ) -> Pipe:
        """Read `descriptor` to its end: as it is for `takers`, without secrets for `write`."""
        stream = RedactedStream(self)

        def take(data: bytes) -> Awaitable[None] | None:
            for taker in takers:
                taker(data)
            shown = stream.feed(data)
            return write(shown) if shown else None

        def end() -> Awaitable[None] | None:
            rest = stream.rest()
            return write(rest) if rest else None

        return Pipe(descriptor, take, end)


class RedactedStream:
    """One stream, which may be cut anywhere, also within a secret."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown; what may be the beginning of a secret is held back."""
        pattern = self._redaction.pattern
        if pattern is None:
            return data
        data = self._held + data
        end = min((_start_of(data, each) for each in self._redaction.bytes), default=len(data))
        for match in pattern.finditer(data):
            if match.start() < end < match.end():
                end = match.end()
        self._held = data[end:]
        return pattern.sub(_HIDDEN.encode(), data[:end])

    def rest(self) -> bytes:
        """Return what was held back, at the end."""
        held, self._held = self._held, b""
        pattern = self._redaction.pattern
        return held if pattern is None else pattern.sub(_HIDDEN.encode(), held)


def _forms(secret: str) -> set[str]:
    forms = {secret, secret.strip()}
    if "\n" in secret:
        forms.update(line.strip() for line in secret.splitlines() if len(line) >= line_chars_min)
    for plain in tuple(forms):
        forms.add(json.dumps(plain)[1:-1])
        forms.add(json.dumps(plain, ensure_ascii=False)[1:-1])
    return {form for form in forms if len(form) >= secret_chars_min}


def _start_of(data: bytes, secret: bytes) -> int:
    """Return where `secret` begins that `data` ends within; the length of `data` if nowhere."""
    at = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
    while at != -1:
        if secret.startswith(data[at:]):
            return at
        at = data.find(secret[:1], at + 1)
    return len(data)
