"""Which addresses may be connected to."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class AddressRefused(Exception):
    """A host cannot be resolved, or leads to where it may not."""


Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host that may be connected to; blocks. Raises `AddressRefused`."""

RefusalOf = Callable[[str, int], str | None]
"""Returns why a literal address is refused; None for names, which `Resolve` judges."""
