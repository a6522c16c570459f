"""Items as files: what is written is read as the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.architecture.sources import ROOT
from tidemill.board.git_errors import UnreadableFile
from tidemill.board.project_git.item_files import (
    CUSTOM,
    FIELDS,
    labels_text,
    read,
    written,
)

_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda text: text not in {"null", "~"}
)
_LABELS = st.lists(
    st.text(st.characters(categories=["L", "N", "S", "Po"]), min_size=1, max_size=8)
    .map(lambda name: name.replace(",", "x").strip() or "x"),
    min_size=1,
).map(labels_text)  # fmt: skip
_VALUES = st.fixed_dictionaries(
    {"title": _TEXTS},
    optional={
        **{name: _TEXTS for name in FIELDS if name not in {"title", "labels", "archived"}},
        "labels": _LABELS,
        "archived": st.just("true"),
        "description": st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1
        ),
        f"{CUSTOM}team": _TEXTS,
        f"{CUSTOM}yes": _TEXTS,
    },
)


@given(_VALUES)
def test_read_gives_back_what_was_written(values: dict[str, str]) -> None:
    text = written("TM-1", values)

    assert read(text) == ("TM-1", values)
    assert written("TM-1", read(text)[1]) == text


def test_read_takes_the_file_of_the_guide() -> None:
    guide = (ROOT / "docs/guide/git.md").read_text(encoding="utf-8")
    [file] = re.findall(r"```markdown\n(.*?)```", guide, re.DOTALL)

    key, values = read(file)

    assert written(str(key), values) == file


def test_written_is_what_people_would_write() -> None:
    values = {
        "title": "Dredge: the harbour",
        "type": "task",
        "labels": "night, tide",
        "points": "3",
        "archived": "true",
        "fields.team": "Blue",
        "description": "Before the *spring tide*.\n\n---\nAsk Ada.",
    }

    assert written("TM-1", values) == (
        '---\nkey: TM-1\ntitle: "Dredge: the harbour"\ntype: task\nlabels: [night, tide]\n'
        "points: 3\narchived: true\nfields:\n  team: Blue\n---\n\n"
        "Before the *spring tide*.\n\n---\nAsk Ada.\n"
    )


def test_read_takes_a_short_file_of_somebody_new() -> None:
    assert read("---\r\ntitle: Paint the buoys\r\n---\r\n") == (
        None,
        {"title": "Paint the buoys"},
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: x", "begins with"),
        ("---\ntitle: x", "ends the fields"),
        ("---\ntitle: [x\n---\n", "no YAML in line"),
        ("---\n- x\n---\n", "name: value"),
        ("---\ncolour: red\n---\n", "'colour' is no field"),
        ("---\ntitle: &a x\n---\n", "anchor"),
        ("---\ntitle: x\nstatus: *a\n---\n", "anchor"),
        ("---\ntitle: {a: b}\n---\n", "one text"),
        ("---\ntitle: !!python/name:os.system x\nfields: y\n---\n", "stand below"),
        ("---\narchived: maybe\n---\n", "true or false"),
        ("---\nlabels: ['a, b']\n---\n", "comma"),
    ],
)
def test_read_says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(UnreadableFile, match=told):
        read(text)
