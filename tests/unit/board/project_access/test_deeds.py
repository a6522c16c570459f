from __future__ import annotations

import tidemill.board  # noqa: F401 - with it, the facts of the board are declared
from tidemill.board.contract import BoardFact
from tidemill.board.project_access.deeds import CONSEQUENCES, NEEDS
from tidemill.core.facts import every_fact


def test_check_deed_knows_what_every_fact_of_the_board_needs() -> None:
    told = {
        fact.__name__
        for fact in every_fact()
        if issubclass(fact, BoardFact) and not fact.__subclasses__()
    }

    assert told - NEEDS.keys() - CONSEQUENCES == set(), "say in deeds.py who may do it"
    assert (NEEDS.keys() | CONSEQUENCES) - told == set(), "these facts are gone"
