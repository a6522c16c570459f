"""Which executor runs which language. Functions of a worker's own package are run by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidemill.jobs.execution.executors.container import ContainerExecutor
from tidemill.jobs.execution.executors.contract import Executor
from tidemill.jobs.execution.executors.network import HttpExecutor, SqlExecutor
from tidemill.jobs.execution.executors.scripts import (
    BashExecutor,
    PythonExecutor,
    TypeScriptExecutor,
)
from tidemill.jobs.execution.languages.models import Language

EXECUTORS: Final[Mapping[str, Executor]] = {
    Language.PYTHON: PythonExecutor(),
    Language.BASH: BashExecutor(),
    Language.TYPESCRIPT: TypeScriptExecutor(),
    Language.SQL: SqlExecutor(),
    Language.HTTP: HttpExecutor(),
    Language.CONTAINER: ContainerExecutor(),
}
