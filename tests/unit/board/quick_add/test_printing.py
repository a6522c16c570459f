from __future__ import annotations

from tidemill.board.quick_add.parsing import parse
from tidemill.board.quick_add.printing import printed


def test_printed_is_what_people_would_write() -> None:
    line = 'Fix \\#1 in "a b" #bug label:#2 @"Ada L" ^next week'

    assert printed(parse(line)) == 'Fix \\#1 in a b #bug label:#2 @"Ada L" ^next week'
