"""Which file holds which document."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import tidemill
from tidemill.api.documents.config_files import SHIPPED_FILES, config_file_text
from tidemill.api.documents.configuration_page import configuration_page
from tidemill.api.documents.errors_page import errors_page
from tidemill.api.documents.openapi import openapi_document

# Programs that start inside a job's sandbox, without Tidemill around them.
_NOT_IMPORTED: Final = ("tidemill.jobs.execution.isolation.inside",)


def _errors() -> str:
    import_everything()
    return errors_page()


DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        **{f"config/{name}": partial(config_file_text, name) for name in SHIPPED_FILES},
        "docs/guide/configuration.md": configuration_page,
        "docs/api/errors.md": _errors,
        "docs/api/openapi.json": openapi_document,
    }
)
"""What makes the text of each document, by its path from the root of the project."""


def import_everything() -> None:
    """Import every module, so that each error class is known."""
    for module in pkgutil.walk_packages(tidemill.__path__, "tidemill."):
        if not module.name.startswith(_NOT_IMPORTED) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
