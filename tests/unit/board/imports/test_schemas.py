from __future__ import annotations

import re
from typing import Final

import pytest

from tests.fixtures.library import ROOT
from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.mapping import read_backlog
from tidemill.board.imports.models import Reading
from tidemill.board.imports.schemas import mapping_bytes_max, mapping_of
from tidemill.board.limits import BoardLimits

_BLOCK: Final = re.compile(r"```json title=\"mapping.json\"\n(.*?)```", re.DOTALL)
_PAGES: Final = ("imports", "migrate/jira", "migrate/github", "migrate/trello", "migrate/plane")


@pytest.mark.parametrize("page", _PAGES)
def test_mapping_of_takes_what_the_guide_shows(page: str) -> None:
    (block,) = _BLOCK.findall((ROOT / "docs" / "guide" / f"{page}.md").read_text())

    reading = Reading(mapping=mapping_of(block))

    assert len(read_backlog(b"title\nSail\n", BoardLimits(), reading=reading).drafts) == 1


@pytest.mark.parametrize("text", ["", "[]", '{"words": {}}', "[" * 60_000, "x" * mapping_bytes_max])
def test_mapping_of_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ImportUnreadable) as refused:
        mapping_of(text)

    assert refused.value.param == "mapping"
