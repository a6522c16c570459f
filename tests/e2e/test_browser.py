"""What a person does in a real browser; needs Chromium, as Debian's package `chromium` has it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.fixtures.server import OWNER_EMAIL, OWNER_PASSWORD, Server
from tests.fixtures.waiting import wait_until

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="browser: there is no Chromium here")


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def test_setup_link_is_printed_again_for_a_browser_without_it_and_makes_the_first_owner(
    browser: Browser,
) -> None:
    with Server(environment={}) as server:
        first = server.setup_link
        page = browser.new_page()
        page.goto(server.url)
        page.get_by_text("it is printed again now").wait_for()
        wait_until(lambda: server.setup_link != first, seconds_max=30, what="another link")

        page.goto(server.setup_link)
        page.get_by_text("Make the first owner").wait_for()
        page.fill("#name", "Ada")
        page.fill("#email", OWNER_EMAIL)
        page.fill("#password", "password1")
        page.fill("#tenant_name", "Tide works")
        page.click("button")
        page.get_by_role("alert").wait_for()
        assert page.input_value("#email") == OWNER_EMAIL, "what was typed is still there"
        assert page.input_value("#password") == "", "but the password is not sent back"

        page.fill("#password", OWNER_PASSWORD)
        page.click("button")
        page.get_by_text("Tide works is ready").wait_for()
        me = page.request.get(f"{server.url}/api/v1/auth/me").json()

    assert (me["user"]["email"], me["role"]) == (OWNER_EMAIL, "owner")


def test_docs_read_only_the_part_of_the_document_that_is_opened(browser: Browser) -> None:
    with Server() as server:
        page = browser.new_page()
        page.goto(f"{server.url}/api/docs")
        page.locator("#operations-tag-Projects").click()
        operation = page.locator("#operations-Projects-create_project")
        operation.locator(".opblock-summary-control").click()
        operation.locator(".try-out").wait_for()
        body = operation.locator(".opblock-section-request-body")
        body.locator("code").first.wait_for()
        shown = body.inner_text()
        part = page.evaluate(
            """async () => partOf(
                await (await fetch("/api/docs/openapi.json")).json(),
                ["paths", "/api/v1/projects", "post"],
            )"""
        )

    assert '"name"' in shown, "what the operation refers to is found"
    assert list(part["paths"]) == ["/api/v1/projects"]
    assert "CreateProject" in part["components"]["schemas"]
    assert len(part["components"]["schemas"]) < 50
