"""From a type of TypeScript to a JSON Schema, by the syntax alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tidemill.jobs.execution.languages.models import Schema

if TYPE_CHECKING:
    from tree_sitter import Node

depth_max: Final = 20
_PLAIN: Final[dict[str, Schema]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "bigint": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "undefined": {"type": "null"},
    "object": {"type": "object"},
    "Date": {"type": "string", "format": "date-time"},
    "Object": {"type": "object"},
}


class Types:
    """The types that one module declares; what is unknown takes anything."""

    def __init__(self, root: Node) -> None:
        self._declared: dict[str, Node] = {}
        for statement in root.named_children:
            declaration = statement.child_by_field_name("declaration") or statement
            if declaration.type in {"interface_declaration", "type_alias_declaration"}:
                body = declaration.child_by_field_name("body") or declaration.child_by_field_name(
                    "value"
                )
                if body is not None:
                    self._declared[text_of(declaration.child_by_field_name("name"))] = body

    def schema(self, node: Node | None, depth: int = 0) -> Schema:
        """Return the schema of what a type allows."""
        if node is None or depth > depth_max:
            return {}
        kind, inner = node.type, node.named_children
        match kind:
            case "parenthesized_type":
                found = self.schema(inner[0], depth + 1)
            case "predefined_type" | "type_identifier":
                found = self._named(text_of(node), depth)
            case "literal_type":
                found = _literal(text_of(node))
            case "array_type":
                found = _array(self.schema(inner[0], depth + 1))
            case "union_type":
                found = _any_of(self._union(node, depth))
            case "generic_type":
                found = self._generic(node, depth)
            case "object_type" | "interface_body":
                found = self._object(node, depth)
            case _:
                found = {"type": "array"} if kind == "tuple_type" else {}
        return found

    def _named(self, name: str, depth: int) -> Schema:
        if name in self._declared:
            return self.schema(self._declared[name], depth + 1)
        return dict(_PLAIN.get(name, {}))

    def _union(self, node: Node, depth: int) -> list[Schema]:
        parts: list[Schema] = []
        for part in node.named_children:
            nested = part.type == "union_type"
            parts += self._union(part, depth) if nested else [self.schema(part, depth + 1)]
        return parts

    def _generic(self, node: Node, depth: int) -> Schema:
        name = text_of(node.child_by_field_name("name"))
        arguments = node.child_by_field_name("type_arguments")
        inner = arguments.named_children if arguments else []
        if name in {"Array", "ReadonlyArray", "Set"} and inner:
            return _array(self.schema(inner[0], depth + 1))
        if name in {"Record", "Map"} and len(inner) == 2:
            value = self.schema(inner[1], depth + 1)
            return {"type": "object"} | ({"additionalProperties": value} if value else {})
        if name in {"Readonly", "Required"} and inner:
            return self.schema(inner[0], depth + 1)
        return {}

    def _object(self, node: Node, depth: int) -> Schema:
        properties: Schema = {}
        required: list[str] = []
        for member in node.named_children:
            if member.type != "property_signature":
                continue
            name = text_of(member.child_by_field_name("name")).strip("\"'")
            found = member.child_by_field_name("type")
            inner = found.named_children[0] if found and found.named_children else None
            properties[name] = self.schema(inner, depth + 1)
            if not any(child.type == "?" for child in member.children):
                required.append(name)
        schema: Schema = {"type": "object", "properties": properties}
        return schema | ({"required": required} if required else {})


def text_of(node: Node | None) -> str:
    """Return the text of a node; nothing for none."""
    return (node.text or b"").decode() if node is not None else ""


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items} if items else {"type": "array"}


def _literal(text: str) -> Schema:
    if text in _PLAIN:
        return dict(_PLAIN[text])
    if text[:1] == "'":
        return {"enum": [text[1:-1]]}
    try:
        value: Any = json.loads(text)
    except ValueError:
        return {}
    return {"enum": [value]}


def _any_of(parts: list[Schema]) -> Schema:
    if {} in parts:
        return {}
    values = [value for part in parts for value in part.get("enum", ())]
    others = [part for part in parts if "enum" not in part]
    kinds = [{"enum": values}] if values else []
    flat = [*kinds, *(part for n, part in enumerate(others) if part not in others[:n])]
    return flat[0] if len(flat) == 1 else {"anyOf": flat}
