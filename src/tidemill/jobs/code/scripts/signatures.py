"""The arguments of a script, inferred from its text; nothing of it is imported or run."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from tidemill.jobs.code.scripts.hints import Hints
from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.bash import check_bash
from tidemill.jobs.execution.languages.container import parse_container
from tidemill.jobs.execution.languages.http import parse_http
from tidemill.jobs.execution.languages.models import Language, Schema, object_schema
from tidemill.jobs.execution.languages.sql import parse_sql
from tidemill.jobs.execution.languages.typescript import parse_typescript
from tidemill.jobs.execution.packages.comments import check_comments

# `name="$1"`, `name=${2:-default}`, `local name="${3}"`.
_POSITIONAL: Final = re.compile(
    r"""^\s*(?:(?:local|export|readonly|declare|typeset)\s+(?:-\w+\s+)*)?"""
    r"""(?P<name>[A-Za-z_]\w*)=(?P<quote>["']?)"""
    r"""\$(?:(?P<digit>[1-9])|\{(?P<number>[1-9]\d?)(?::?-(?P<default>[^}]*))?\})(?P=quote)""",
    re.MULTILINE,
)
# What bash puts something else in place of; such a default is only known when it runs.
_EXPANDED: Final = frozenset("$`\\~")
_TEXT: Final = {"type": ["string", "number", "boolean"]}


async def checked_schema(language: Language, content: str) -> str:
    """Return the JSON Schema as text, of what bash could read, too; raises `ScriptInvalid`."""
    schema = infer_schema(language, content)
    if language is Language.BASH:
        await check_bash(content)
    return msgspec.json.encode(schema).decode()


def infer_schema(language: Language, content: str) -> Schema:
    """Return the JSON Schema (2020-12) of a script's arguments; raises `ScriptInvalid`."""
    return _READERS[language](content)


def _of_python(content: str) -> Schema:
    module = _parsed(content)
    main = _main(module)
    check_comments(content)
    parameters = main.args
    if parameters.posonlyargs:
        raise ScriptInvalid(
            "main takes its arguments by name; remove the '/' from its parameters.",
            line=main.lineno,
            column=main.col_offset + 1,
        )
    hints = Hints(module)
    named = [*parameters.args, *parameters.kwonlyargs]
    missing: list[ast.expr | None] = [None] * (len(parameters.args) - len(parameters.defaults))
    defaults = [*missing, *parameters.defaults, *parameters.kw_defaults]
    properties: Schema = {}
    required: list[str] = []
    for parameter, default in zip(named, defaults, strict=True):
        properties[parameter.arg] = _property(hints.schema(parameter.annotation), default)
        if default is None:
            required.append(parameter.arg)
    return object_schema(properties, required, open_=parameters.kwarg is not None)


def _parsed(content: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(content)
            # What is wrong beyond its grammar, such as two parameters of one name, is found here.
            compile(module, "<script>", "exec", dont_inherit=True)
            return module
    except SyntaxError as error:
        reason = f"This is no valid Python: {error.msg}."
        raise ScriptInvalid(reason, line=error.lineno or 1, column=error.offset) from None
    except (ValueError, RecursionError, MemoryError):
        raise ScriptInvalid("This Python is nested too deeply to be read.", line=1) from None


def _main(module: ast.Module) -> ast.FunctionDef | ast.AsyncFunctionDef:
    found = [
        statement
        for statement in module.body
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
        and statement.name == "main"
    ]
    if not found:
        raise ScriptInvalid(
            "A Python script needs a function main at its top level: def main(name: str): …"
        )
    return found[-1]


def _property(schema: Schema, default: ast.expr | None) -> Schema:
    if default is None:
        return schema
    try:
        value = ast.literal_eval(default)
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return schema
    if value is None and schema:
        schema = _nullable(schema)
    return {**schema, "default": value}


def _nullable(schema: Schema) -> Schema:
    null = {"type": "null"}
    if schema == null or null in schema.get("anyOf", ()) or None in schema.get("enum", ()):
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], null]}
    return {"anyOf": [schema, null]}


def _of_bash(content: str) -> Schema:
    found: dict[int, re.Match[str]] = {}
    for match in _POSITIONAL.finditer(content):
        found.setdefault(int(match["digit"] or match["number"]), match)
    properties: Schema = {}
    required: list[str] = []
    for _, match in sorted(found.items()):
        name, default = match["name"], match["default"]
        properties[name] = dict(_TEXT)
        if default is None:
            required.append(name)
        elif not _EXPANDED.intersection(default):
            properties[name]["default"] = default.strip("\"'")
    return object_schema(properties, required, open_=not properties)


_READERS: Final[Mapping[Language, Callable[[str], Schema]]] = {
    Language.PYTHON: _of_python,
    Language.BASH: _of_bash,
    Language.TYPESCRIPT: lambda content: parse_typescript(content).schema,
    Language.SQL: lambda content: parse_sql(content).schema,
    Language.HTTP: lambda content: parse_http(content).schema,
    Language.CONTAINER: lambda content: parse_container(content).schema,
}
