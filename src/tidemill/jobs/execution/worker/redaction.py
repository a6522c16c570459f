"""Hides in what a job prints, tells and returns the secrets that it has read.

This guards against mistakes, such as a connection string in a traceback, or the header of a request
with its password in base64. A job that wants to can print a secret in another form.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from tidemill.jobs.execution.worker.pipes import Pipe

secret_chars_min: Final = 4
"""Shorter ones stand in too many words."""
line_chars_min: Final = 8
encoded_chars_min: Final = 8
"""Shorter ones stand in too much of what is encoded."""
secrets_max: Final = 1_000
_LIKE_JAVASCRIPT: Final = "!'()*"
_HIDDEN: Final = "[redacted]"
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
"""A text within JSON, as it is written. Ways back would cost 100 bytes for each of its own."""


class Redaction:
    """The secrets of one job, and texts without them.

    So is its `token`, for as long as it runs: it ends with the job, before anybody sees the result.
    """

    def __init__(self, secrets: Iterable[str] = (), *, token: str | None = None) -> None:
        self._texts: set[str] = set()
        self._encoded: set[str] = set()
        self._secrets: set[str] = set()
        self.bytes: tuple[bytes, ...] = ()
        self._pattern: re.Pattern[bytes] | None = None
        # Each job has one, so that it must cost little: nobody encodes it by mistake.
        self._texts.update(_forms(token or ""))
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
                self._encoded.update(_encodings(secret.strip()))
        # Where there are many, those that are plain count first: each makes the look longer.
        encoded = sorted(self._encoded)[: max(0, secrets_max - len(self._texts))]
        # The longest first: one secret may be the beginning of another.
        texts = sorted(self._texts.union(encoded), key=lambda text: (-len(text), text))
        self.bytes = tuple(text.encode() for text in texts)
        self._pattern = None

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """What finds any of them; it costs a millisecond, and most jobs show none."""
        if self._pattern is None:
            self._pattern = re.compile(b"|".join(map(re.escape, self.bytes)))
        return self._pattern

    def is_in(self, data: bytes) -> bool:
        """Return whether `data` holds any of them."""
        return any(each in data for each in self.bytes)

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        plain = text.encode(errors="surrogatepass")
        if not self.is_in(plain):
            return text
        return self.pattern.sub(_HIDDEN.encode(), plain).decode(errors="replace")

    def fields(self, error: dict[str, str] | None) -> dict[str, str] | None:
        """Return the error of a job without secrets."""
        if error is None:
            return None
        return {name: self.text(value) for name, value in error.items()}

    def result(self, result: bytes) -> bytes:
        """Return the result of a job, which is JSON, without secrets; see `document`."""
        return self.document(result) if self._secrets else result

    def document(self, document: bytes) -> bytes:
        """Return JSON without secrets in its texts and names; raises `ValueError` when it is none.

        Numbers and the rest stay to the byte: other jobs read them.
        """
        if not self.bytes or not (b"\\" in document or self.is_in(document)):
            return document
        return _STRING.sub(self._shown, document)

    def _shown(self, string: re.Match[bytes]) -> bytes:
        text = json.loads(string[0])
        shown = self.text(text)
        return string[0] if shown == text else json.dumps(shown, ensure_ascii=False).encode()

    def pipe(
        self,
        descriptor: int,
        write: Callable[[bytes], Awaitable[None]],
        *takers: Callable[[bytes], None],
        listens: bool = True,
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

        return Pipe(descriptor, take, end, listens=listens)


class RedactedStream:
    """One stream, which may be cut anywhere, also within a secret."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown; what may be the beginning of a secret is held back."""
        redaction = self._redaction
        if not redaction.bytes:
            return data
        data = self._held + data
        end = min(_start_of(data, each) for each in redaction.bytes)
        if not redaction.is_in(data):
            self._held = data[end:]
            return data[:end]
        for match in redaction.pattern.finditer(data):
            if match.start() < end < match.end():
                end = match.end()
        self._held = data[end:]
        return redaction.pattern.sub(_HIDDEN.encode(), data[:end])

    def rest(self) -> bytes:
        """Return what was held back, at the end."""
        held, self._held = self._held, b""
        if not self._redaction.is_in(held):
            return held
        return self._redaction.pattern.sub(_HIDDEN.encode(), held)


def _forms(secret: str) -> set[str]:
    forms = {secret, secret.strip()}
    if "\n" in secret:
        forms.update(line.strip() for line in secret.splitlines() if len(line) >= line_chars_min)
    for plain in tuple(forms):
        forms.add(json.dumps(plain)[1:-1])
        forms.add(json.dumps(plain, ensure_ascii=False)[1:-1])
    return {form for form in forms if len(form) >= secret_chars_min}


def _encodings(secret: str) -> set[str]:
    """Return how `secret` looks in addresses, in base64 wherever it stands within, and in hex."""
    plain = secret.encode(errors="surrogatepass")
    forms = {plain.hex(), plain.hex().upper()}
    for before in range(3):
        # Only the characters that hold nothing of what stands beside it.
        first, end = -(-before * 8 // 6), (before + len(plain)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(before) + plain)[first:end].decode())
    quoted = {quote(plain), quote(plain, safe=""), quote(plain, safe=_LIKE_JAVASCRIPT)}
    return {
        *(form for form in forms if len(form) >= encoded_chars_min),
        *(form for form in {*quoted, quote_plus(plain)} if len(form) >= secret_chars_min),
    }


def _start_of(data: bytes, secret: bytes) -> int:
    """Return where `secret` begins that `data` ends within; the length of `data` if nowhere."""
    at = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
    while at != -1:
        if secret.startswith(data[at:]):
            return at
        at = data.find(secret[:1], at + 1)
    return len(data)
