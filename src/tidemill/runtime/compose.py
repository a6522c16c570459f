"""Builds the modules of a process, in order, each from what those below it provide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.core.module import Module, Offer, Parts, Port, PortNotFilled


class Composition(Struct, frozen=True, kw_only=True):
    """The built modules of one process."""

    offers: Mapping[str, Offer]
    ports: Mapping[Port[Any], object]

    @property
    def all(self) -> Sequence[Offer]:
        """Return every offer, in the order in which the modules were built."""
        return tuple(self.offers.values())


def compose(
    catalog: Sequence[Module],
    make_parts: Callable[[Mapping[Port[Any], object]], Parts],
    *,
    filled: Mapping[Port[Any], object] | None = None,
) -> Composition:
    """Build `catalog` in its order and return what the modules offer.

    `filled` are ports that the runtime fills itself. Raises `PortNotFilled` when a module
    requires something that no earlier module provides, and `ValueError` where two provide the same.
    """
    ports: dict[Port[Any], object] = dict(filled or {})
    parts = make_parts(ports)
    offers: dict[str, Offer] = {}
    for module in catalog:
        for port in module.requires:
            if port not in ports:
                raise PortNotFilled(module.name, port)
        offer = module.build(parts)
        for port in offer.provides:
            if port in ports and port not in (filled or {}):
                raise ValueError(f"{module.name} provides {port.name}, and so does another module.")
        ports.update(offer.provides)
        offers[module.name] = offer
    return Composition(offers=offers, ports=ports)
