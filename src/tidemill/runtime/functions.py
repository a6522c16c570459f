"""The functions of the operator's own program, as a worker of the server offers them."""

from __future__ import annotations

from tidemill.core.config import Config
from tidemill.jobs.code.functions.registry import REGISTRY, ProgramNotLoaded, load_program
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.code.functions.signatures import SignatureUnusable

__all__ = ["ProgramNotLoaded", "functions_of"]


def functions_of(config: Config) -> Functions:
    """Import the program that `worker.app` names; return what calls its functions.

    Raises `ProgramNotLoaded`.
    """
    load_program(config.worker.app)
    functions = Functions(REGISTRY.all(), threads_max=config.worker.threads_max)
    try:
        functions.registered()
    except SignatureUnusable as error:
        raise ProgramNotLoaded(str(error)) from error
    return functions
