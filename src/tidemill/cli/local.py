"""Asks the installation in a data directory as its owner, for commands that need no account."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import structlog

from tidemill.api.local import open_local
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.core.config import Config, ConfigRefused
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.runtime.migrating import DataDirectoryInUse

bad_request = 400


def ask_local(
    config: Config, method: str, path: str, body: object = None, *, tenant: str = INSTALLATION
) -> Any:
    """Return the document that the installation answers, whether it runs or not.

    Raises `CommandFailed`.
    """
    # What the process inside would log is no part of this command's answer.
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return asyncio.run(_ask(config, method, path, body, TenantId(tenant)))
    except DataDirectoryInUse as error:
        raise CommandFailed(str(error), ExitCode.CONFLICT, code="DATA_DIRECTORY_IN_USE") from error
    except ConfigRefused as error:
        raise CommandFailed(" ".join(error.problems), ExitCode.REFUSED) from error
    except TidemillError as error:
        raise CommandFailed(error.message, code=error.code, param=error.param) from error


async def _ask(config: Config, method: str, path: str, body: object, tenant: TenantId) -> Any:
    async with open_local(config) as local:
        answer = await local.call(method, path, body, tenant=tenant)
    if answer.status >= bad_request and isinstance(answer.body, dict) and "error" in answer.body:
        error = answer.body["error"]
        raise AnsweredWithError(
            answer.status,
            str(error["message"]),
            code=error.get("code"),
            param=error.get("param"),
            body=answer.body,
        )
    return answer.body
