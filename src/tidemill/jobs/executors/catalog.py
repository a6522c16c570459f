"""Which executor runs which language. Functions of a worker's own package are run by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidemill.jobs.executors.container import ContainerExecutor
from tidemill.jobs.executors.contract import Executor
from tidemill.jobs.executors.network import HttpExecutor, SqlExecutor
from tidemill.jobs.executors.scripts import BashExecutor, PythonExecutor, TypeScriptExecutor
from tidemill.jobs.languages.models import Language

EXECUTORS: Final[Mapping[str, Executor]] = {
    Language.PYTHON: PythonExecutor(),
    Language.BASH: BashExecutor(),
    Language.TYPESCRIPT: TypeScriptExecutor(),
    Language.SQL: SqlExecutor(),
    Language.HTTP: HttpExecutor(),
    Language.CONTAINER: ContainerExecutor(),
}
