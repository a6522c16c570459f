from __future__ import annotations

from tests.fixtures.values import other, stores, world

__all__ = ["other", "stores", "world"]
