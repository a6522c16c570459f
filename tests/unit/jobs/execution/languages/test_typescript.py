from __future__ import annotations

from typing import Any

import pytest

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.typescript import parse_typescript


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        ("a: string", {"type": "string"}),
        ("a: number[]", {"type": "array", "items": {"type": "number"}}),
        ("a: Array<boolean>", {"type": "array", "items": {"type": "boolean"}}),
        ("a: Record<string, number>",
         {"type": "object", "additionalProperties": {"type": "number"}}),
        ("a: 'x' | 'y' | null", {"anyOf": [{"enum": ["x", "y"]}, {"type": "null"}]}),
        ("a: Date", {"type": "string", "format": "date-time"}),
        ("a: unknown", {}),
        ("a = 3", {"type": "number", "default": 3}),
        ("a = 'x'", {"type": "string", "default": "x"}),
        ("a: Station",
         {"type": "object", "properties": {"id": {"type": "string"}, "n": {"type": "number"}},
          "required": ["id"]}),
    ],
)  # fmt: skip
def test_parse_typescript_gives_schemas_of_types(parameter: str, schema: dict[str, Any]) -> None:
    content = (
        "interface Station { id: string; n?: number }\n"
        f"export async function main({parameter}) {{}}"
    )

    assert parse_typescript(content).schema["properties"]["a"] == schema


@pytest.mark.parametrize(
    "content",
    [
        "export function main(a: string, b = 1, c?: boolean) {}",
        "export const main = async (a: string, b = 1, c?: boolean) => a;",
        "export const main = function (a: string, b = 1, c?: boolean) {};",
    ],
)
def test_parse_typescript_keeps_the_order_of_parameters(content: str) -> None:
    script = parse_typescript(content)

    assert script.parameters == ("a", "b", "c")
    assert script.schema["required"] == ["a"]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("let a = 1;\nexport function main( {", 2, "no valid TypeScript"),
        ("function main() {}", None, "exports a function main"),
        ("export function main(...rest: string[]) {}", 1, "rest"),
        ("\nimport x from 'https://deno.land/x.ts';\nexport function main() {}", 2, "network"),
        ("export async function main() {\n  await import('jsr:@std/fs');\n}", 2, "network"),
        ("export * from 'npm:zod';\nexport function main() {}", 1, "network"),
    ],
)
def test_parse_typescript_says_where_it_is_wrong(
    content: str, line: int | None, message: str
) -> None:
    with pytest.raises(ScriptInvalid) as raised:
        parse_typescript(content)

    assert raised.value.line == line
    assert message in str(raised.value)
