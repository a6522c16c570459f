"""From a type hint to a JSON Schema, read from the syntax tree; nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Schema = dict[str, Any]

depth_max: Final = 20
_PLAIN: Final[Mapping[str, Schema]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "complex": {},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "list": {"type": "array"},
    "List": {"type": "array"},
    "Sequence": {"type": "array"},
    "Iterable": {"type": "array"},
    "tuple": {"type": "array"},
    "Tuple": {"type": "array"},
    "set": {"type": "array", "uniqueItems": True},
    "Set": {"type": "array", "uniqueItems": True},
    "frozenset": {"type": "array", "uniqueItems": True},
    "dict": {"type": "object"},
    "Dict": {"type": "object"},
    "Mapping": {"type": "object"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "UUID": {"type": "string", "format": "uuid"},
    "Path": {"type": "string"},
    "Decimal": {"type": ["number", "string"]},
}
_LISTS: Final = frozenset({"list", "List", "Sequence", "Iterable", "set", "Set", "frozenset"})
_DICTS: Final = frozenset({"dict", "Dict", "Mapping"})


class Hints:
    """The type hints of one module: plain types, generics, unions, and its own aliases.

    What cannot be read from the tree alone takes anything.
    """

    def __init__(self, module: ast.Module) -> None:
        self._aliases: dict[str, ast.expr] = {}
        self._classes: dict[str, ast.ClassDef] = {}
        for statement in module.body:
            if isinstance(statement, ast.ClassDef):
                self._classes[statement.name] = statement
            elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                self._note(statement.targets[0], statement.value)
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                self._note(statement.target, statement.value)

    def schema(self, hint: ast.expr | None, depth: int = 0) -> Schema:
        """Return the schema of what `hint` allows."""
        if hint is None or depth > depth_max:
            return {}
        if isinstance(hint, ast.Constant):
            return self._of_constant(hint, depth)
        if isinstance(hint, (ast.Name, ast.Attribute)):
            return self._of_name(_name(hint), depth)
        if isinstance(hint, ast.BinOp) and isinstance(hint.op, ast.BitOr):
            return _any_of([self.schema(hint.left, depth + 1), self.schema(hint.right, depth + 1)])
        if isinstance(hint, ast.Subscript):
            return self._of_subscript(hint, depth)
        return {}

    def _note(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._aliases[target.id] = value

    def _of_constant(self, hint: ast.Constant, depth: int) -> Schema:
        if hint.value is None:
            return {"type": "null"}
        if not isinstance(hint.value, str):
            return {}
        try:
            quoted = ast.parse(hint.value, mode="eval")
        except (SyntaxError, ValueError):
            return {}
        return self.schema(quoted.body, depth + 1)

    def _of_name(self, name: str, depth: int) -> Schema:
        if name in self._classes:
            return self._of_class(self._classes[name], depth)
        if name in self._aliases:
            return self.schema(self._aliases[name], depth + 1)
        return dict(_PLAIN.get(name, {}))

    def _of_subscript(self, hint: ast.Subscript, depth: int) -> Schema:
        name = _name(hint.value)
        inner = list(hint.slice.elts) if isinstance(hint.slice, ast.Tuple) else [hint.slice]

        def schema_of(part: ast.expr) -> Schema:
            return self.schema(part, depth + 1)

        if name == "Optional":
            return _any_of([schema_of(inner[0]), {"type": "null"}])
        if name == "Union":
            return _any_of([schema_of(part) for part in inner])
        if name in {"Annotated", "Required", "NotRequired", "Final", "ClassVar"}:
            return schema_of(inner[0])
        if name == "Literal":
            return _literal(inner)
        return _generic(name, inner, schema_of)

    def _of_class(self, definition: ast.ClassDef, depth: int) -> Schema:
        bases = {_name(base) for base in definition.bases}
        if any(base.endswith("Enum") for base in bases):
            return _enum(definition)
        if "TypedDict" in bases or _is_dataclass(definition):
            return self._of_fields(definition, depth)
        return {}

    def _of_fields(self, definition: ast.ClassDef, depth: int) -> Schema:
        fields = [
            field
            for field in definition.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        ]
        optional = any(
            keyword.arg == "total"
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is False
            for keyword in definition.keywords
        )
        properties: Schema = {}
        required: list[str] = []
        for field in fields:
            assert isinstance(field.target, ast.Name)  # noqa: S101 - filtered above
            properties[field.target.id] = self.schema(field.annotation, depth + 1)
            marked = isinstance(field.annotation, ast.Subscript) and (
                _name(field.annotation.value) == "NotRequired"
            )
            if field.value is None and not optional and not marked:
                required.append(field.target.id)
        return {"type": "object", "properties": properties, "required": required}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _any_of(schemas: Sequence[Schema]) -> Schema:
    flat: list[Schema] = []
    for schema in schemas:
        parts = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
        flat += [part for part in parts if part not in flat]
    if {} in flat:
        return {}
    return flat[0] if len(flat) == 1 else {"anyOf": flat}


def _literal(values: Sequence[ast.expr]) -> Schema:
    constants = [value.value for value in values if isinstance(value, ast.Constant)]
    plain = [value for value in constants if isinstance(value, (str, int, bool, type(None)))]
    return {"enum": plain} if plain and len(plain) == len(values) else {}


def _generic(name: str, inner: Sequence[ast.expr], schema: Callable[[ast.expr], Schema]) -> Schema:
    base = dict(_PLAIN.get(name, {}))
    if name in _LISTS:
        return _with(base, "items", schema(inner[0]))
    if name in _DICTS and len(inner) == 2:
        return _with(base, "additionalProperties", schema(inner[1]))
    if name in {"tuple", "Tuple"}:
        last = inner[-1]
        if isinstance(last, ast.Constant) and last.value is Ellipsis:
            return _with(base, "items", schema(inner[0]))
        parts = [schema(part) for part in inner]
        return {**base, "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    return base


def _with(base: Schema, keyword: str, inner: Schema) -> Schema:
    return {**base, keyword: inner} if inner else base


def _enum(definition: ast.ClassDef) -> Schema:
    values = [
        statement.value.value
        for statement in definition.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
    ]
    plain = [value for value in values if isinstance(value, (str, int, bool))]
    return {"enum": plain} if plain and len(plain) == len(values) else {}


def _is_dataclass(definition: ast.ClassDef) -> bool:
    decorators = (
        decorator.func if isinstance(decorator, ast.Call) else decorator
        for decorator in definition.decorator_list
    )
    return any(_name(decorator) == "dataclass" for decorator in decorators)
