from __future__ import annotations

from typing import cast

import pytest

from tidemill.core.module import Module, Offer, Parts, Port, PortNotFilled
from tidemill.runtime.compose import compose

CLOCKWORK: Port[str] = Port("clockwork")


class _Parts:
    def __init__(self, ports: object) -> None:
        self.ports = ports


def _parts(ports: object) -> Parts:
    return cast("Parts", _Parts(ports))


def test_compose_gives_a_module_what_an_earlier_one_provides() -> None:
    seen: list[object] = []

    def build_user(parts: Parts) -> Offer:
        seen.append(cast("_Parts", parts).ports[CLOCKWORK])  # type: ignore[index]
        return Offer()

    provider = Module(name="provider", build=lambda _: Offer(provides={CLOCKWORK: "tick"}))
    user = Module(name="user", build=build_user, requires=(CLOCKWORK,))

    composition = compose([provider, user], _parts)

    assert seen == ["tick"]
    assert list(composition.offers) == ["provider", "user"]


def test_compose_refuses_a_missing_peer_and_says_what_to_do() -> None:
    user = Module(name="user", build=lambda _: Offer(), requires=(CLOCKWORK,))

    with pytest.raises(PortNotFilled, match="user needs clockwork: run the module"):
        compose([user], _parts)


def test_compose_refuses_two_modules_that_provide_the_same() -> None:
    first, second = (
        Module(name=name, build=lambda _: Offer(provides={CLOCKWORK: "tick"}))
        for name in ("first", "second")
    )

    with pytest.raises(ValueError, match="second provides clockwork"):
        compose([first, second], _parts)
