"""What every `Mailer` promises, by SMTP and as files."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import structs

from tests.fixtures.stores import StoreClock
from tidemill.core.ports import Mail, Mailer, MailNotSent
from tidemill.infrastructure.mail import FileMailer, SmtpMailer, SmtpServer

pytestmark = pytest.mark.anyio

SENDER = "Tidemill <tidemill@example.org>"


class Inbox:
    """A real mail server on a free port of this machine, and what it got."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.refuse: str | None = None
        self.hangs_at_quit = False
        self._stopped = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(
                self, hostname="test", authenticator=_authenticated, auth_require_tls=False
            ),
            host="127.0.0.1",
            port=0,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._stopped.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(  # noqa: N802 - the name that the server calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refuse:
            return self.refuse
        self.messages.append(cast("bytes", envelope.content))
        return "250 OK"

    async def handle_QUIT(  # noqa: N802 - as above
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.hangs_at_quit:
            await self._stopped.wait()
        return "221 Bye"


def _authenticated(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    login = cast("LoginPassword", data)
    right = (login.login, login.password) == (b"ann", b"right")
    return AuthResult(success=right, handled=right)


class Post:
    """A mailer and what arrived through it."""

    def __init__(self, mailer: Mailer, arrived: Callable[[], list[bytes]]) -> None:
        self.mailer = mailer
        self._arrived = arrived

    def messages(self) -> list[EmailMessage]:
        return [email.message_from_bytes(raw, policy=email.policy.SMTP) for raw in self._arrived()]


@pytest.fixture
async def inbox() -> AsyncIterator[tuple[Inbox, int]]:
    inbox = Inbox()
    port = await inbox.start()
    yield inbox, port
    await inbox.stop()


def smtp(port: int, **fields: Any) -> SmtpMailer:
    server = SmtpServer(host="127.0.0.1", port=port, security="none", seconds_max=60, **fields)
    return SmtpMailer(server, sender=SENDER, clock=StoreClock())


@pytest.fixture(params=["smtp", "files"])
async def post(request: pytest.FixtureRequest, tmp_path: Path, inbox: tuple[Inbox, int]) -> Post:
    if request.param == "smtp":
        server, port = inbox
        return Post(smtp(port), lambda: server.messages)
    directory = tmp_path / "mail"
    mailer = FileMailer(directory, sender=SENDER, clock=StoreClock())
    return Post(mailer, lambda: [path.read_bytes() for path in sorted(directory.glob("*.eml"))])


MAIL = Mail(to="ann@example.org", subject="Willkommen, größte Ännchen", text="Grüße\n.\nEnde ✓\n")


async def test_send_delivers_the_message_as_it_is(post: Post) -> None:
    await post.mailer.send(MAIL)

    (message,) = post.messages()
    assert message["To"] == "ann@example.org"
    assert message["From"] == SENDER
    assert message["Subject"] == MAIL.subject
    assert message.get_content().replace("\r\n", "\n") == MAIL.text
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Date"]


async def test_send_delivers_both_texts_and_what_ends_mail_by_one_click(post: Post) -> None:
    headers = {"List-Unsubscribe": "<https://tide.example/unsubscribe?token=a.b.c>"}
    mail = structs.replace(MAIL, html="<p>Grüße ✓</p>", headers=headers, message_id="0199-the-same")

    for _ in range(2):
        await post.mailer.send(mail)

    first, second = post.messages()
    plain, html = first.get_body(("plain",)), first.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Ende ✓" in plain.get_content()
    assert "<p>Grüße ✓</p>" in html.get_content()
    assert first["List-Unsubscribe"] == headers["List-Unsubscribe"]
    assert first["Message-ID"] == second["Message-ID"] == "<0199-the-same@example.org>"


async def test_send_keeps_each_message(post: Post) -> None:
    for number in range(5):
        await post.mailer.send(Mail(to="ann@example.org", subject=f"Nr. {number}", text="x"))

    assert [message["Subject"] for message in post.messages()] == [f"Nr. {n}" for n in range(5)]


@pytest.mark.parametrize(
    "mail",
    [
        Mail(to="ann@example.org\nBcc: eve@example.org", subject="s", text="x"),
        Mail(to="ann@example.org, eve@example.org", subject="s", text="x"),
        Mail(to="ann@example.org", subject="s\r\nBcc: eve@example.org", text="x"),
        Mail(to="ann@example.org", subject="s", text="x", headers={"List-Id": "a\r\nBcc: b@c"}),
        Mail(to="nobody", subject="s", text="x"),
    ],
)
async def test_send_refuses_headers_that_smuggle(post: Post, mail: Mail) -> None:
    with pytest.raises(MailNotSent):
        await post.mailer.send(mail)

    assert post.messages() == []


async def test_send_by_smtp_says_why_the_server_refused(inbox: tuple[Inbox, int]) -> None:
    server, port = inbox
    server.refuse = "452 Mailbox full of hunter2"

    with pytest.raises(MailNotSent, match="refused the message with 452; try again later") as no:
        await smtp(port).send(MAIL)

    assert "hunter2" not in no.value.message


async def test_send_by_smtp_logs_in(inbox: tuple[Inbox, int]) -> None:
    server, port = inbox
    await smtp(port, user="ann", password="right").send(MAIL)
    assert len(server.messages) == 1

    with pytest.raises(MailNotSent, match="smtp_password"):
        await smtp(port, user="ann", password="wrong").send(MAIL)


async def test_send_by_smtp_says_that_the_server_is_away() -> None:
    mailer = smtp(1)

    with pytest.raises(MailNotSent, match="cannot be reached"):
        await mailer.send(MAIL)
    assert "cannot be reached" in (await mailer.check() or "")


async def test_send_by_smtp_never_falls_back_to_an_open_line(inbox: tuple[Inbox, int]) -> None:
    server, port = inbox
    wants_tls = SmtpServer(host="127.0.0.1", port=port, security="starttls", seconds_max=60)

    with pytest.raises(MailNotSent):
        await SmtpMailer(wants_tls, sender=SENDER, clock=StoreClock()).send(MAIL)

    assert server.messages == []


async def test_send_as_files_says_that_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("in the way")
    mailer = FileMailer(tmp_path / "mail", sender=SENDER, clock=StoreClock())

    with pytest.raises(MailNotSent, match="cannot be written"):
        await mailer.send(MAIL)


async def test_send_as_files_lets_only_the_owner_read(tmp_path: Path) -> None:
    await FileMailer(tmp_path / "mail", sender=SENDER, clock=StoreClock()).send(MAIL)

    (path,) = (tmp_path / "mail").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_send_counts_as_sent_what_a_server_took_that_then_takes_no_leave(
    inbox: tuple[Inbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.infrastructure.mail.smtp.leave_seconds_max", 0.01, raising=False)
    server, port = inbox
    server.hangs_at_quit = True
    slow = SmtpServer(host="127.0.0.1", port=port, security="none", seconds_max=5)

    await SmtpMailer(slow, sender=SENDER, clock=StoreClock()).send(MAIL)

    assert len(server.messages) == 1
