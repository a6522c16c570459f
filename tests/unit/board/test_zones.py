from __future__ import annotations

import pytest

from tidemill.board.errors import UnknownTimeZone
from tidemill.board.zones import zone_named


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc", "x" * 65, "\x00"])
def test_zone_named_refuses_what_is_no_zone(name: str) -> None:
    with pytest.raises(UnknownTimeZone):
        zone_named(name)
