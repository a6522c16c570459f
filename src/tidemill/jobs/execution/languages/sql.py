"""Scripts in SQL: their declarations, and their statements with the places of parameters.

    -- $database warehouse (postgresql)
    -- $1 station (text)
    -- $2 days (int) = 7
    SELECT day, level FROM levels WHERE station = $1 LIMIT $2

The text is only taken apart here. No value ever becomes a part of it: parameters stay places, and
each statement gets those that it names, counted from 1.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from msgspec import Struct

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.models import Schema, object_schema

DIALECTS: Final = ("postgresql", "sqlite", "duckdb")
statements_max: Final = 100
parameters_max: Final = 200

_DATABASE: Final = re.compile(
    r"^--\s*\$database(?:\s+(\w+))?\s*(?:\(\s*(\w+)\s*\))?\s*$", re.MULTILINE
)
_DECLARED: Final = re.compile(
    r"^--\s*\$(?P<number>\d+)\s+(?P<name>\w+)"
    r"(?:\s*\(\s*(?P<type>[\w ]+?(?:\[\])?)\s*\))?(?:\s*=\s*(?P<default>.*?))?\s*$",
    re.MULTILINE,
)
_TYPES: Final[dict[str, Schema]] = {
    "text": {"type": "string"},
    "string": {"type": "string"},
    "varchar": {"type": "string"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "smallint": {"type": "integer"},
    "bigint": {"type": "integer"},
    "float": {"type": "number"},
    "real": {"type": "number"},
    "double": {"type": "number"},
    "double precision": {"type": "number"},
    "numeric": {"type": ["number", "string"]},
    "decimal": {"type": ["number", "string"]},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "json": {},
    "jsonb": {},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string"},
    "timestamp": {"type": "string"},
    "timestamptz": {"type": "string"},
    "interval": {"type": "string"},
    "bytea": {"type": "string", "contentEncoding": "base64"},
    "blob": {"type": "string", "contentEncoding": "base64"},
}
_TOKEN: Final = re.compile(
    r"(?P<comment>--[^\n]*)"
    r"|(?P<block>/\*)"
    r"|(?P<text>(?:\b[eE])'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')"
    r'|(?P<name>"(?:[^"]|"")*")'
    r"|(?P<dollars>\$(?:[A-Za-z_]\w*)?\$)"
    r"|(?P<place>\$(?P<number>\d+))"
    r"|(?P<end>;)",
    re.DOTALL,
)
_TRANSACTIONS: Final = frozenset({"abort", "begin", "commit", "end", "rollback", "start"})
_READS: Final = frozenset({"explain", "select", "show", "table", "values"})


class Parameter(Struct, frozen=True, kw_only=True):
    """A declared parameter; without a default it must be given."""

    name: str
    schema: Schema
    has_default: bool = False
    default: Any = None


class Statement(Struct, frozen=True, kw_only=True):
    """One statement; `names` are its parameters, in the order of its places."""

    number: int
    text: str
    names: tuple[str, ...]


class SqlScript(Struct, frozen=True, kw_only=True):
    """A script in SQL, taken apart."""

    database: str
    dialect: str
    parameters: tuple[Parameter, ...]
    statements: tuple[Statement, ...]
    reads: bool

    @property
    def schema(self) -> Schema:
        """Return the JSON Schema of its arguments."""
        properties: Schema = {
            self.database: {
                "type": ["object", "string"],
                "pattern": r"^\$res:",
                "format": f"resource-{self.dialect}",
                **({"required": ["host"]} if self.dialect == "postgresql" else {}),
            }
        }
        for parameter in self.parameters:
            properties[parameter.name] = _property(parameter)
        required = [one.name for one in self.parameters if not one.has_default]
        if self.dialect == "postgresql":
            required.insert(0, self.database)
        return object_schema(properties, required)


def parse_sql(content: str) -> SqlScript:
    """Return what `content` declares and its statements; raises `ScriptInvalid`."""
    named = _DATABASE.search(content)
    dialect = ((named and named[2]) or DIALECTS[0]).lower()
    if dialect not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise ScriptInvalid(
            f"{dialect} is no database for scripts; choose one of {known}.",
            line=_line(content, named.start() if named else 0),
        )
    parameters = _parameters(content)
    statements = _statements(content, parameters)
    first_words = {_first_word(statement.text) for statement in statements}
    return SqlScript(
        database=(named and named[1]) or "database",
        dialect=dialect,
        parameters=tuple(parameters[number] for number in sorted(parameters)),
        statements=statements,
        reads=first_words <= _READS,
    )


def _parameters(content: str) -> dict[int, Parameter]:
    found: dict[int, Parameter] = {}
    for match in _DECLARED.finditer(content):
        number, line = int(match["number"]), _line(content, match.start())
        kind = (match["type"] or "text").lower()
        if not 1 <= number <= parameters_max or number in found:
            raise ScriptInvalid(f"${number} is declared twice, or is no place.", line=line)
        if any(match["name"] == other.name for other in found.values()):
            raise ScriptInvalid(f"Two parameters are called {match['name']}.", line=line)
        schema = _schema_of(kind, line)
        default = match["default"]
        found[number] = Parameter(
            name=match["name"],
            schema=schema,
            has_default=default is not None,
            default=None if default is None else _default(default, schema),
        )
    return found


def _schema_of(kind: str, line: int) -> Schema:
    if kind.endswith("[]"):
        return {"type": "array", "items": _schema_of(kind[:-2], line)}
    if kind not in _TYPES:
        known = ", ".join(_TYPES)
        raise ScriptInvalid(f"{kind} is no type of a parameter; choose one of {known}.", line=line)
    return dict(_TYPES[kind])


def _default(text: str, schema: Schema) -> Any:
    if text.lower() == "null":
        return None
    if schema.get("type") == "string":
        return text[1:-1].replace("''", "'") if text[:1] == text[-1:] == "'" else text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _property(parameter: Parameter) -> Schema:
    schema = dict(parameter.schema)
    if not parameter.has_default:
        return schema
    if parameter.default is None and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return {**schema, "default": parameter.default}


def _statements(content: str, parameters: dict[int, Parameter]) -> tuple[Statement, ...]:
    statements: list[Statement] = []
    for start, raw in _split(content):
        text, names = _renumbered(raw, start, content, parameters)
        word = _first_word(text)
        if not word:
            continue
        line = _line(content, start + len(raw) - len(raw.lstrip()))
        if word in _TRANSACTIONS:
            raise ScriptInvalid(
                "All statements run in one transaction already; remove this one.", line=line
            )
        statements.append(Statement(number=len(statements) + 1, text=text.strip(), names=names))
        if len(statements) > statements_max:
            raise ScriptInvalid(f"A script has {statements_max} statements at most.", line=line)
    if not statements:
        raise ScriptInvalid("A script in SQL needs a statement.", line=1)
    return tuple(statements)


def _split(content: str) -> list[tuple[int, str]]:
    parts: list[tuple[int, str]] = []
    start = 0
    for kind, begin, end, _ in _tokens(content):
        if kind == "end":
            parts.append((start, content[start:begin]))
            start = end
    parts.append((start, content[start:]))
    return parts


def _renumbered(
    raw: str, start: int, content: str, parameters: dict[int, Parameter]
) -> tuple[str, tuple[str, ...]]:
    """Return a statement whose places count from 1, and the name for each; comments are dropped."""
    numbers: list[int] = []
    out: list[str] = []
    at = 0
    for kind, begin, end, number in _tokens(raw):
        if kind in {"comment", "block"}:
            out += [raw[at:begin], " "]
        elif kind == "place":
            if number not in parameters:
                raise ScriptInvalid(
                    f"${number} is not declared; add a line such as -- ${number} name (text).",
                    line=_line(content, start + begin),
                )
            if number not in numbers:
                numbers.append(number)
            out += [raw[at:begin], f"${numbers.index(number) + 1}"]
        else:
            continue
        at = end
    out.append(raw[at:])
    return "".join(out), tuple(parameters[number].name for number in numbers)


def _tokens(text: str) -> list[tuple[str, int, int, int]]:
    """Return comments, texts, places and ends of statements: kind, begin, end, number."""
    found: list[tuple[str, int, int, int]] = []
    at = 0
    while match := _TOKEN.search(text, at):
        kind, end = match.lastgroup or "", match.end()
        kind = "place" if kind == "number" else kind
        if kind == "block":
            end = _end_of_block(text, match.end())
        elif kind == "dollars":
            close = text.find(match[0], match.end())
            end = len(text) if close < 0 else close + len(match[0])
        found.append((kind, match.start(), end, int(match["number"] or 0)))
        at = end
    return found


def _end_of_block(text: str, at: int) -> int:
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    raise ScriptInvalid("A comment /* has no end.", line=_line(text, at))


def _first_word(text: str) -> str:
    match = re.search(r"[A-Za-z]+", text)
    return match[0].lower() if match else ""


def _line(content: str, offset: int) -> int:
    return content.count("\n", 0, offset) + 1
