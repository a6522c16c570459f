"""Inboxes over HTTP, in the whole application: from a fact to a page, a bell and a mail."""

from __future__ import annotations

import email
import re
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.fixtures.app import App, error, make_app
from tests.fixtures.news import BOB, a_colleague, news_of
from tidemill.core.config.sections.people import Mail, Notifications

pytestmark = pytest.mark.anyio


async def test_notifications_integration_reach_inbox_and_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.board.notification_mails.sender.look_seconds", 0.05)
    mails = tmp_path / "mails"
    mail = Mail(directory=str(mails))
    async with make_app(tmp_path, mail=mail, notifications=Notifications(batch_seconds=0)) as app:
        bob = await a_colleague(app)
        me = (await bob.get("/api/v1/auth/me")).json()["user"]["id"]
        item = await _an_item(app, assignee_id=me)
        await app.owner.post(
            "/api/v1/work-items/TM-1/comments", json={"content": "Please, @Bob, before noon"}
        )

        [row] = await news_of(bob, 1, reason="mentioned")
        path = f"/api/v1/notifications/{row['id']}"
        events = (await bob.get(f"{path}/events")).json()["items"]
        unread = (await bob.get("/api/v1/notifications/unread")).json()
        read = await bob.patch(path, json={"is_read": True}, headers={"If-Match": '"v2"'})
        stale = await bob.patch(path, json={"is_read": False}, headers={"If-Match": '"v2"'})
        all_read = await bob.post("/api/v1/notifications/read", json={"through_seq": row["seq"]})

        assert (row["item_key"], row["reasons"]) == ("TM-1", ["assigned", "mentioned"])
        assert [one["reason"] for one in events] == ["mentioned", "assigned"]
        assert unread == {"unread": 1, "is_more": False}
        assert (read.status_code, read.json()["is_read"]) == (200, True)
        assert error(stale)[:2] == (412, "VERSION_CHANGED")
        assert all_read.json() == {"read": 0}
        assert (await news_of(app.owner, 0)) == [], "one's own deeds are no news"
        assert error(await app.owner.get(path))[:2] == (404, "NOTIFICATION_NOT_FOUND")
        assert error(await bob.get("/api/v1/notifications", params={"reason": "bored"}))[0] == 400

        await app.owner.post("/api/v1/work-items/TM-1/comments", json={"content": "And @Bob, this"})
        letter = await _letter(mails, "And @Bob, this")
        await _unsubscribe(app, letter)
        told = (await bob.get("/api/v1/notification-preferences")).json()
        assert (told["is_mail_stopped"], told["reasons"]["assigned"]["mail"]) == (True, "at_once")
        assert item["key"] == "TM-1"


async def test_preferences_integration_over_http(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        await _an_item(app)
        path = "/api/v1/notification-preferences"
        wish = {"reasons": {"changed": {"inbox": False}}, "digest_hour": 7}

        changed = await app.owner.patch(path, json=wish, headers={"If-Match": '"v0"'})
        muted = await app.owner.put(f"{path}/muted-projects/TM")
        found = (await app.owner.get(path)).json()
        unmuted = await app.owner.delete(f"{path}/muted-projects/TM")

        assert changed.status_code == 200, changed.text
        assert changed.json()["reasons"]["changed"] == {
            "inbox": False, "mail": "off", "is_default": False
        }  # fmt: skip
        assert (found["digest_hour"], len(found["muted_project_ids"]), found["version"]) == (
            7,
            1,
            2,
        )
        assert (muted.status_code, unmuted.status_code) == (204, 204)
        for wrong in (
            {"reasons": {"bored": None}},
            {"digest_hour": 24},
            {"reasons": {"changed": 1}},
        ):
            assert (await app.owner.patch(path, json=wrong)).status_code == 400
        lost = await app.owner.put(f"{path}/muted-projects/NONE")
        assert error(lost)[:2] == (404, "PROJECT_NOT_FOUND")


async def _an_item(app: App, **fields: Any) -> dict[str, Any]:
    await app.owner.post("/api/v1/projects", json={"key": "TM", "name": "Tides"})
    task = {"project_id": "TM", "item_type": "task", "title": "Read the gauges", **fields}
    with anyio.fail_after(60):
        while True:
            made = await app.owner.post("/api/v1/work-items", json=task)
            if made.status_code == 201:
                return dict(made.json())
            # The board hears of a new member a moment later.
            assert error(made)[1] == "ASSIGNEE_NOT_MEMBER"
            await anyio.sleep(0.02)


async def _letter(directory: Path, text: str) -> EmailMessage:
    """Return the letter that holds a text, once it lies there."""
    with anyio.fail_after(60):
        while True:
            found = _found(directory, text)
            if found is not None:
                return found
            await anyio.sleep(0.05)


def _found(directory: Path, text: str) -> EmailMessage | None:
    for file in directory.glob("*.eml"):
        letter = email.message_from_bytes(file.read_bytes(), policy=default)
        body = letter.get_body(("plain",))
        if letter["To"] == BOB and body is not None and text in body.get_content():
            return letter
    return None


async def _unsubscribe(app: App, letter: EmailMessage) -> None:
    """Click once, as a mail program does: no cookie, no token of ours, and a form as its body."""
    html = letter.get_body(("html",))
    assert html is not None
    link = re.fullmatch(r"<(.*)>", letter["List-Unsubscribe"])
    assert link is not None
    assert link[1] in html.get_content()
    form = {"List-Unsubscribe": "One-Click"}
    shown = await app.anonymous.get(link[1])
    forged = await app.anonymous.post(link[1] + "x", data=form)
    clicked = await app.anonymous.post(link[1], data=form)

    assert (shown.status_code, "<form" in shown.text) == (200, True)
    assert (forged.status_code, "not whole" in forged.text) == (404, True)
    assert (clicked.status_code, "No more mail" in clicked.text) == (200, True)
