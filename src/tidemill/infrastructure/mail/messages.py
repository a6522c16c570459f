"""From a `Mail` to a message as RFC 5322 wants it."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock
from tidemill.core.ports import Mail, MailNotSent


def message_of(mail: Mail, *, sender: str, clock: Clock) -> EmailMessage:
    """Return the message; raises `MailNotSent` when an address or the subject cannot be one."""
    domain = sender.rpartition("@")[2].rstrip(">") or "localhost"
    if parseaddr(mail.to)[1] != mail.to or "@" not in mail.to:
        raise MailNotSent("The address of the recipient is not one.")
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        for name, value in mail.headers.items():
            message[name] = value
    except ValueError as error:
        # A line break in a header would let its author write further headers.
        raise MailNotSent("An address or another header holds a line break.") from error
    message["Date"] = formatdate(clock.now() / MICROSECONDS_PER_SECOND)
    own = None if mail.message_id is None else f"<{mail.message_id}@{domain}>"
    message["Message-ID"] = own or make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message
