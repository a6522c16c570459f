"""What a mail of notifications says, as plain text and as HTML; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Final

from tidemill.board.notification_mails.models import Line
from tidemill.board.notifications.models import DELETED
from tidemill.core.ports import Mail
from tidemill.identity import Contact

_subject_chars_max: Final = 150
_comment_chars_max: Final = 500
_FIELDS: Final = {
    "title": "the title",
    "priority": "the priority",
    "due_date": "the due date",
    "sprint_id": "the sprint",
    "description": "the description",
    "status": "the status",
}
_SENTENCES: Final = {
    "assigned": "{who} assigned this to you.",
    "mentioned": "{who} mentioned you in a comment.",
    "replied": "{who} replied in a thread of yours.",
    "commented": "{who} commented.",
    "unblocked": "Nothing blocks this any more.",
    "due_soon": "This is due on {what}.",
    "sprint_started": "{who} started the sprint {what}.",
    "sprint_ended": "{who} ended the sprint {what}.",
}
_WHY: Final = "You get this mail since you belong to {tenant} in Tidemill."
_HOW: Final = "Choose what you hear of: tidemill inbox preferences"


def letter(
    contact: Contact, lines: Sequence[Line], *, more: int, kind: str, mail_id: str, link: str
) -> Mail:
    """Return the mail that tells `lines` and that there are so many `more`.

    `link` is where one click ends all such mail.
    """
    by_item = [(item, list(found)) for item, found in groupby(lines, lambda line: line.item)]
    return Mail(
        to=contact.email,
        subject=_subject(by_item, contact, kind),
        text=_text(by_item, more, contact, link),
        html=_html(by_item, more, contact, link),
        headers={
            "List-Unsubscribe": f"<{link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        # The same at each attempt, so that who got it twice after all is shown it once.
        message_id=mail_id,
    )


def sentence(line: Line) -> str:
    """Return in one sentence what happened."""
    who = line.actor_name or ("Tidemill" if line.actor_kind == "system" else "Somebody")
    told = _SENTENCES.get(line.reason)
    return _change(line, who) if told is None else told.format(who=who, what=line.new_value)


def _change(line: Line, who: str) -> str:
    if line.field == DELETED:
        return f"{who} {'deleted' if line.new_value else 'restored'} this."
    name = _FIELDS.get(line.field or "", "something")
    # The id of a sprint tells people nothing.
    if line.field in {"description", "sprint_id"} or not (line.old_value or line.new_value):
        return f"{who} changed {name}."
    return f"{who} changed {name} from {line.old_value or 'none'} to {line.new_value or 'none'}."


def _subject(by_item: list[tuple[str, list[Line]]], contact: Contact, kind: str) -> str:
    if kind == "at_once" and len(by_item) == 1:
        text = f"[{contact.tenant_name}] {by_item[0][0]}"
    else:
        count = len(by_item)
        items = "1 work item" if count == 1 else f"{count} work items"
        text = f"[{contact.tenant_name}] News of {items}"
    return " ".join(text.split())[:_subject_chars_max]


def _text(by_item: list[tuple[str, list[Line]]], more: int, contact: Contact, link: str) -> str:
    parts = [f"Hello {contact.name},\n"]
    for item, lines in by_item:
        parts.append(item)
        for line in lines:
            parts.append(f"  - {sentence(line)}")
            parts += [f"      > {row}" for row in _quoted(line).splitlines()]
        parts.append("")
    if more:
        parts.append(f"And {more} more: tidemill inbox list\n")
    parts += ["-- ", _WHY.format(tenant=contact.tenant_name), _HOW, f"No such mail: {link}", ""]
    return "\n".join(parts)


def _html(by_item: list[tuple[str, list[Line]]], more: int, contact: Contact, link: str) -> str:
    parts = [f"<p>Hello {escape(contact.name)},</p>"]
    for item, lines in by_item:
        rows = "".join(f"<li>{escape(sentence(line))}{_quote(line)}</li>" for line in lines)
        parts.append(f"<h3>{escape(item)}</h3><ul>{rows}</ul>")
    if more:
        parts.append(f"<p>And {more} more in your inbox.</p>")
    why = escape(_WHY.format(tenant=contact.tenant_name))
    parts.append(
        f'<hr><p><small>{why} <a href="{escape(link)}">No such mail any more</a>.</small></p>'
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"></head><body>'
        f"{''.join(parts)}</body></html>"
    )


def _quoted(line: Line) -> str:
    text = line.comment or ""
    return text if len(text) <= _comment_chars_max else f"{text[:_comment_chars_max]}…"


def _quote(line: Line) -> str:
    text = escape(_quoted(line)).replace("\n", "<br>")
    return f"<blockquote>{text}</blockquote>" if text else ""
