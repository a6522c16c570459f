"""How imports of projects are answered."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from tidemill.board.project_imports.models import ProjectImportReport
from tidemill.http import View
from tidemill.http.bodies import ErrorDetail


class RejectedProjectImport(View, frozen=True, kw_only=True):
    """The answer to what is refused: the error and, where parts are wrong, the report."""

    error: ErrorDetail
    report: ProjectImportReport | UnsetType = UNSET
