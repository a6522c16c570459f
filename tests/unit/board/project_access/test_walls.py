from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidemill.board.project_access.walls import TABLES, walled

BOARD = Path("src/tidemill/board")
# What hangs on an item or a project, and is read beside it or when it was found.
HANGS_ON_THEM = {
    "activities", "attachments", "blobs", "board_settings", "comment_documents",
    "comment_reactions", "comment_revisions", "comments", "custom_field_values", "dependencies",
    "former_keys", "imported_keys", "item_labels", "notification_events", "notification_mails",
    "project_imports", "search_comments", "search_documents", "search_trigrams", "search_words",
    "sprint_scope_events", "time_settings", "watchers",
    "workflow_statuses", "workflows",
}  # fmt: skip
# What is the tenant's, or somebody's own.
OF_NO_PROJECT = {
    "blob_totals", "handles", "information_schema", "item_kind_sets", "item_kinds",
    "notification_mail_events", "notification_mail_keys", "notification_mutes",
    "notification_preferences", "notification_profiles", "people", "pragma_table_info",
    "project_members", "reminders", "stream", "stream_heads", "tenant_wakeups",
}  # fmt: skip


def test_walled_leaves_what_reads_no_project() -> None:
    for sql in (
        "SELECT name FROM people WHERE tenant_id = :tenant_id",
        "DELETE FROM labels WHERE tenant_id = :tenant_id AND id = :id",
        "INSERT INTO work_items (tenant_id, id) VALUES (:tenant_id, :id)",
        "UPDATE projects SET name = :name WHERE tenant_id = :tenant_id",
        "SELECT title FROM work_items_archive",
    ):
        assert walled(sql, is_guest=False) is sql


@pytest.mark.parametrize(
    ("sql", "alias"),
    [
        ("SELECT w.id FROM work_items AS w", "AS w"),
        ("SELECT id FROM work_items\n WHERE id = :id", "AS work_items"),
        ("SELECT 1 FROM people AS a LEFT JOIN projects AS p ON p.id = a.id", "AS p ON"),
    ],
)
def test_walled_puts_what_may_be_seen_in_the_place_of_a_table(sql: str, alias: str) -> None:
    behind = walled(sql, is_guest=False)

    assert ":reader_id" in behind
    assert f") {alias}" in behind
    assert "tenant_id = :tenant_id" in behind


def test_walled_shows_guests_one_project() -> None:
    behind = walled("SELECT id FROM projects", is_guest=True)

    assert ":reader_project_id" in behind
    assert ":reader_id" not in behind


def test_walled_is_thought_of_for_every_table_that_the_board_reads() -> None:
    read = re.compile(r"(?<!DELETE )\b(?:FROM|JOIN)\s+([a-z_]+)\b(?!\()")
    named = {
        table
        for file in BOARD.rglob("*.py")
        for table in read.findall(file.read_text(encoding="utf-8"))
        if "SELECT" in file.read_text(encoding="utf-8")
    }
    tables = {
        table
        for file in Path("migrations/sqlite/tenant").glob("*.up.sql")
        for table in re.findall(
            r"CREATE (?:VIRTUAL )?TABLE (\w+)", file.read_text(encoding="utf-8")
        )
    }

    unknown = (named & tables) - TABLES - HANGS_ON_THEM - OF_NO_PROJECT
    assert unknown == set(), "say in walls.py what of it may be seen"
