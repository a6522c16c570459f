from __future__ import annotations

import pytest

from tidemill.board.handles.models import Handle, HandleKind, folded, handles_of, meant_by


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("Ada Lovelace", "adalovelace"),
        ("ada.lovelace", "adalovelace"),
        ("ADA_Lovelace-", "adalovelace"),
        ("Jürgen Weiß", "jürgenweiss"),
        ("\uff21da", "ada"),
        ("O'Neill", "oneill"),
        ("李 明", "李明"),
        ("...", ""),
        ("x" * 500, "x" * 200),
    ],
)
def test_folded_keeps_letters_and_digits(text: str, handle: str) -> None:
    assert folded(text) == handle


@pytest.mark.parametrize(
    ("name", "handles"),
    [
        (
            "Ada Lovelace",
            {"ada": HandleKind.FIRST_NAME, "adalovelace": HandleKind.NAME, "u1": HandleKind.ID},
        ),
        ("Ada", {"ada": HandleKind.NAME, "u1": HandleKind.ID}),
        ("—", {"u1": HandleKind.ID}),
        ("", {"u1": HandleKind.ID}),
    ],
)
def test_handles_of_a_person(name: str, handles: dict[str, HandleKind]) -> None:
    assert handles_of("u-1", name) == handles


def test_meant_by_a_handle_is_one_person_or_nobody() -> None:
    found = meant_by(
        [
            Handle("ada", HandleKind.FIRST_NAME, "u2", 2),
            Handle("ada", HandleKind.NAME, "u1", 1),
            Handle("bob", HandleKind.FIRST_NAME, "u3", 2),
            Handle("eve", HandleKind.FIRST_NAME, "u4", 1),
            Handle("joe", HandleKind.NAME, "u5", 2),
            Handle("joe", HandleKind.FIRST_NAME, "u6", 1),
        ]
    )

    assert found == {"ada": "u1", "eve": "u4"}
