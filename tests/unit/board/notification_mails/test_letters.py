from __future__ import annotations

from msgspec import structs

from tidemill.board.notification_mails.letters import letter, sentence
from tidemill.board.notification_mails.models import Line
from tidemill.core.clock import Instant
from tidemill.identity import Contact

BO = Contact(email="bo@example.org", name="Bo", time_zone="UTC", tenant_name="Harbour")
LINE = Line(
    reason="status_changed",
    actor_kind="user",
    actor_name="Ada",
    field="status",
    old_value="todo",
    new_value="done",
    comment=None,
    at=Instant(0),
    project_key="TM",
    item_number=1,
    title="Read",
    deleted_at=None,
)


def test_sentence_says_what_happened() -> None:
    def said(**fields: object) -> str:
        return sentence(structs.replace(LINE, **fields))

    assert said() == "Ada changed the status from todo to done."
    assert said(actor_name=None, actor_kind="system", old_value=None) == (
        "Tidemill changed the status from none to done."
    )
    assert said(reason="changed", field="sprint_id") == "Ada changed the sprint."
    assert said(reason="changed", field="deleted_at", old_value=None) == "Ada deleted this."
    assert said(reason="changed", field="deleted_at", new_value=None) == "Ada restored this."
    assert said(reason="unblocked") == "Nothing blocks this any more."
    assert said(reason="due_soon", new_value="2026-03-31") == "This is due on 2026-03-31."
    assert said(reason="sprint_started", new_value="Ebb") == "Ada started the sprint Ebb."
    assert said(reason="sprint_ended", new_value="Ebb") == "Ada ended the sprint Ebb."


def test_letter_keeps_line_breaks_and_markup_of_people_out_of_headers_and_html() -> None:
    sly = structs.replace(LINE, title='<img src="x">\r\nBcc: eve@example.org', comment="<b>\n> hi")

    mail = letter(
        BO, [sly], more=0, kind="at_once", mail_id="m", link="http://tide.example/?a=1&b=2"
    )

    assert mail.subject == '[Harbour] TM-1 <img src="x"> Bcc: eve@example.org'
    assert mail.html is not None
    assert "<img" not in mail.html
    assert "<b>" not in mail.html
    assert 'href="http://tide.example/?a=1&amp;b=2"' in mail.html
    assert mail.headers["List-Unsubscribe"] == "<http://tide.example/?a=1&b=2>"


def test_letter_says_how_much_more_there_is_and_nothing_where_it_tells_all() -> None:
    full = letter(BO, [LINE], more=3, kind="digest", mail_id="m", link="http://tide.example")
    whole = letter(BO, [LINE], more=0, kind="digest", mail_id="m", link="http://tide.example")

    assert "And 3 more: tidemill inbox list" in full.text
    assert "And 3 more in your inbox." in (full.html or "")
    assert " more:" not in whole.text
    assert " more in" not in (whole.html or "")
