"""The stores on SQLite and PostgreSQL behind one port; `open_stores` is the way in."""

from __future__ import annotations

from tidemill.infrastructure.database.figures import DAMAGED_TENANTS
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.stores import Stores, open_stores

__all__ = ["DAMAGED_TENANTS", "DatabaseOptions", "Stores", "open_stores"]
