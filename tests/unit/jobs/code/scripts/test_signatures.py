from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.code.scripts.signatures import infer_schema
from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.models import Language


def of_hint(hint: str, head: str = "") -> Any:
    return infer_schema(Language.PYTHON, f"{head}\ndef main(x: {hint}): ...")["properties"]["x"]


STRING, INTEGER, NULL = {"type": "string"}, {"type": "integer"}, {"type": "null"}


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        ("str", STRING),
        ("int", INTEGER),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("None", NULL),
        ("list", {"type": "array"}),
        ("list[int]", {"type": "array", "items": INTEGER}),
        ("typing.List[str]", {"type": "array", "items": STRING}),
        ("set[str]", {"type": "array", "uniqueItems": True, "items": STRING}),
        ("tuple[int, ...]", {"type": "array", "items": INTEGER}),
        (
            "tuple[int, str]",
            {"type": "array", "prefixItems": [INTEGER, STRING], "minItems": 2, "maxItems": 2},
        ),
        ("dict", {"type": "object"}),
        ("dict[str, int]", {"type": "object", "additionalProperties": INTEGER}),
        ("dict[str, Any]", {"type": "object"}),
        ("Optional[str]", {"anyOf": [STRING, NULL]}),
        ("str | None", {"anyOf": [STRING, NULL]}),
        ("Union[int, str, None]", {"anyOf": [INTEGER, STRING, NULL]}),
        ("'int | None'", {"anyOf": [INTEGER, NULL]}),
        ("str | str", STRING),
        ("Literal['a', 'b']", {"enum": ["a", "b"]}),
        ("Literal[1, None]", {"enum": [1, None]}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("datetime.date", {"type": "string", "format": "date"}),
        ("uuid.UUID", {"type": "string", "format": "uuid"}),
        ("Annotated[int, 'tide']", INTEGER),
        ("Any", {}),
        ("int | Any", {}),
        ("pandas.DataFrame", {}),
        ("list[list[int]]", {"type": "array", "items": {"type": "array", "items": INTEGER}}),
    ],
)
def test_infer_schema_reads_a_hint(hint: str, schema: object) -> None:
    assert of_hint(hint) == schema


def test_infer_schema_reads_the_modules_own_enums_aliases_and_dicts() -> None:
    enum = "class Tide(StrEnum):\n    HIGH = 'high'\n    LOW = 'low'"
    typed = "class Spot(TypedDict):\n    name: str\n    depth: NotRequired[float]"

    assert of_hint("Tide", enum) == {"enum": ["high", "low"]}
    assert of_hint("Kind", "Kind = Literal['a']") == {"enum": ["a"]}
    assert of_hint("Spot", typed) == {
        "type": "object",
        "properties": {"name": STRING, "depth": {"type": "number"}},
        "required": ["name"],
    }


def test_infer_schema_ends_on_hints_that_name_themselves() -> None:
    assert of_hint("Loop", "Loop = list['Loop']")["type"] == "array"
    assert of_hint("X", "X = X") == {}


def test_infer_schema_says_what_is_required_and_what_is_by_default() -> None:
    schema = infer_schema(
        Language.PYTHON,
        "async def main(a: int, b: str = 'x', c=None, *, d: bool, e: str = None, f=open): ...",
    )

    assert schema["required"] == ["a", "d"]
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        "a": INTEGER,
        "b": {"type": "string", "default": "x"},
        "c": {"default": None},
        "d": {"type": "boolean"},
        "e": {"anyOf": [STRING, NULL], "default": None},
        "f": {},
    }


def test_infer_schema_lets_anything_through_to_keyword_arguments() -> None:
    assert "additionalProperties" not in infer_schema(Language.PYTHON, "def main(**rest): ...")


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("def main(:\n    pass\n", 1, 10),
        ("x = 1\ndef main():\nreturn 1\n", 3, 1),
        ("def other(): ...", None, None),
        ("class A:\n    def main(self): ...", None, None),
        ("def main(a, /): ...", 1, 1),
        ("x = 1\ndef main(a, a): ...", 2, 13),
        ("def main(): ...\nreturn 1\n", 2, 1),
    ],
)
def test_infer_schema_refuses_what_cannot_run(
    content: str, line: int | None, column: int | None
) -> None:
    with pytest.raises(ScriptInvalid) as refused:
        infer_schema(Language.PYTHON, content)

    assert (refused.value.line, refused.value.column) == (line, column)


def test_infer_schema_never_runs_the_script(capfd: pytest.CaptureFixture[str]) -> None:
    schema = infer_schema(
        Language.PYTHON, "print('ran')\ndef main(x: print('ran') = print('ran')): ..."
    )

    assert schema["properties"] == {"x": {}}
    assert capfd.readouterr().out == ""


def test_infer_schema_refuses_python_that_is_nested_too_deeply() -> None:
    with pytest.raises(ScriptInvalid):
        infer_schema(Language.PYTHON, f"{'(' * 5_000}{')' * 5_000}\ndef main(): ...")


def test_infer_schema_reads_the_positions_of_a_bash_script() -> None:
    schema = infer_schema(
        Language.BASH,
        '#!/bin/bash\nlocal second="${2:-many words}"\nfirst="$1"\n  third=$3 # comment\n'
        "fourth=${4:-$HOME/x}\n",
    )

    text = {"type": ["string", "number", "boolean"]}
    assert list(schema["properties"]) == ["first", "second", "third", "fourth"]
    assert schema["properties"]["first"] == schema["properties"]["fourth"] == text
    assert schema["properties"]["second"] == {**text, "default": "many words"}
    assert schema["required"] == ["first", "third"]


@given(st.text(max_size=300))
def test_infer_schema_answers_any_text_with_a_schema_or_a_reason(content: str) -> None:
    for language in Language:
        try:
            schema = infer_schema(language, content)
        except ScriptInvalid:
            continue
        assert schema["type"] == "object"
