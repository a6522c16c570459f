from __future__ import annotations

import pytest

from tidemill.board.errors import InvalidPoints, InvalidText
from tidemill.board.imports.cells import day_of, labels_of, points_of
from tidemill.board.label_errors import InvalidLabelName, TooManyLabels
from tidemill.board.limits import BoardLimits

LIMITS = BoardLimits()


@pytest.mark.parametrize(
    "text", ["2026-03-31", "2026-03-31T00:00:00Z", "31/Mar/26 12:00 AM", " 31 March 2026 "]
)
def test_day_of_reads_what_can_mean_one_day_only(text: str) -> None:
    assert day_of(text, "due_date") == "2026-03-31"


@pytest.mark.parametrize("text", ["04/03/2026", "soon", "2026-02-30", "31/Foo/26", "2026-3-1"])
def test_day_of_refuses_the_rest(text: str) -> None:
    with pytest.raises(InvalidText) as refused:
        day_of(text, "due_date")
    assert refused.value.param == "due_date"


def test_points_of_reads_whole_numbers() -> None:
    assert [points_of(text) for text in ("3", "3.0", " 13,00 ")] == [3, 3, 13]
    for text in ("0.5", "-1", "many"):
        with pytest.raises(InvalidText):
            points_of(text)
    with pytest.raises(InvalidPoints):
        points_of("1001")


def test_labels_of_reads_cells_of_several_names() -> None:
    assert labels_of(["ebb, flood;Ebb", "", "gate"], LIMITS) == ("Ebb", "flood", "gate")
    with pytest.raises(TooManyLabels):
        labels_of([",".join(f"label {n}" for n in range(51))], LIMITS)
    with pytest.raises(InvalidText):
        labels_of(["x" * 51], LIMITS)
    with pytest.raises(InvalidLabelName):
        labels_of(["0190f0c2-7a51-7c3e-9d0e-5a1b2c3d4e5f"], LIMITS)
