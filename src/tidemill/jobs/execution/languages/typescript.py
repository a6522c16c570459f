"""Scripts in TypeScript: the parameters of the exported `main`, and what is imported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from tidemill.jobs.errors import LanguageNotInstalled, ScriptInvalid
from tidemill.jobs.execution.languages.models import Schema, object_schema
from tidemill.jobs.execution.languages.typescript_types import Types, text_of

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_FUNCTIONS: Final = frozenset(
    {"function_declaration", "generator_function_declaration", "arrow_function",
     "function_expression"}
)  # fmt: skip
_nodes_max: Final = 200_000


class TypeScriptScript(Struct, frozen=True, kw_only=True):
    """What a script takes, in the order of `main`'s parameters, and the scripts it imports."""

    parameters: tuple[str, ...]
    schema: Schema
    imports: tuple[str, ...]


def parse_typescript(content: str) -> TypeScriptScript:
    """Return what `content` takes and imports; raises `ScriptInvalid`."""
    root = _parser().parse(content.encode()).root_node
    if root.has_error:
        at = next(_errors(root), root)
        raise ScriptInvalid(
            "This is no valid TypeScript.", line=_line(at), column=at.start_point.column + 1
        )
    main = _main(root)
    types = Types(root)
    properties: Schema = {}
    required: list[str] = []
    for name, parameter in _parameters(main):
        schema = types.schema(_annotation(parameter))
        value = parameter.child_by_field_name("value")
        if value is not None:
            schema = _with_default(schema, value)
        properties[name] = schema
        if value is None and parameter.type == "required_parameter":
            required.append(name)
    return TypeScriptScript(
        parameters=tuple(properties),
        schema=object_schema(properties, required),
        imports=tuple(_imports(root)),
    )


@cache
def _parser() -> Parser:
    try:
        import tree_sitter  # noqa: PLC0415 - an extra, and loaded by those who use it
        import tree_sitter_typescript  # noqa: PLC0415 - an extra
    except ImportError:
        raise LanguageNotInstalled("typescript", "pip install 'tidemill[typescript]'") from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_typescript.language_typescript()))


def _main(root: Node) -> Node:
    for statement in root.named_children:
        if statement.type != "export_statement":
            continue
        declaration = statement.child_by_field_name("declaration")
        if declaration is None:
            continue
        for name, function in _declared(declaration):
            if name == "main" and function.type in _FUNCTIONS:
                return function
    raise ScriptInvalid(
        "A script in TypeScript exports a function main: "
        "export async function main(name: string) { … }"
    )


def _declared(declaration: Node) -> Iterator[tuple[str, Node]]:
    if declaration.type in _FUNCTIONS:
        yield text_of(declaration.child_by_field_name("name")), declaration
    for declarator in declaration.named_children:
        value = declarator.child_by_field_name("value")
        if declarator.type == "variable_declarator" and value is not None:
            yield text_of(declarator.child_by_field_name("name")), value


def _parameters(main: Node) -> Iterator[tuple[str, Node]]:
    listed = main.child_by_field_name("parameters")
    single = main.child_by_field_name("parameter")
    if single is not None:
        raise ScriptInvalid("Write main's parameter in parentheses.", line=_line(single))
    for number, parameter in enumerate(listed.named_children if listed else (), 1):
        if parameter.type not in {"required_parameter", "optional_parameter"}:
            continue
        pattern = parameter.child_by_field_name("pattern")
        if pattern is None or pattern.type == "rest_pattern":
            raise ScriptInvalid(
                "main takes its arguments by name; give it an array in place of ...rest.",
                line=_line(parameter),
            )
        if pattern.type == "this":
            continue
        yield text_of(pattern) if pattern.type == "identifier" else f"arg{number}", parameter


def _annotation(parameter: Node) -> Node | None:
    found = parameter.child_by_field_name("type")
    return found.named_children[0] if found is not None and found.named_children else None


def _with_default(schema: Schema, value: Node) -> Schema:
    try:
        default: Any = json.loads(text_of(value))
    except ValueError:
        if value.type != "string":
            return schema
        default = text_of(value)[1:-1]
    if not schema:
        kinds = {str: "string", bool: "boolean", int: "number", float: "number"}
        kind = kinds.get(type(default))
        schema = {"type": kind} if kind else {}
    return {**schema, "default": default}


def _imports(root: Node) -> Iterator[str]:
    for node in _all(root):
        if node.type in {"import_statement", "export_statement"}:
            source = node.child_by_field_name("source")
        elif node.type == "call_expression" and _is_import(node):
            arguments = node.child_by_field_name("arguments")
            source = arguments.named_children[0] if arguments and arguments.named_children else None
        else:
            continue
        if source is None or source.type != "string":
            continue
        wanted = text_of(source)[1:-1]
        if wanted.startswith(("./", "../")):
            yield wanted
        elif wanted != "tidemill" and not wanted.startswith("node:"):
            raise ScriptInvalid(
                f"{wanted} cannot be imported: scripts run without a network. Import other "
                "scripts by './name.ts', 'tidemill', or what deno brings along by 'node:…'.",
                line=_line(source),
            )


def _is_import(call: Node) -> bool:
    function = call.child_by_field_name("function")
    return function is not None and function.type == "import"


def _errors(root: Node) -> Iterator[Node]:
    return (node for node in _all(root) if node.is_error or node.is_missing)


def _all(root: Node) -> Iterator[Node]:
    waiting, seen = [root], 0
    while waiting and seen < _nodes_max:
        node = waiting.pop()
        seen += 1
        yield node
        waiting.extend(reversed(node.children))


def _line(node: Node) -> int:
    return int(node.start_point.row) + 1
