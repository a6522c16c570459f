from __future__ import annotations

import json
from typing import Any

import pytest

from tidemill.jobs.code.scripts.arguments import Arguments
from tidemill.jobs.code.scripts.signatures import infer_schema
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.execution.languages.models import Language

SCHEMA = json.dumps(
    infer_schema(
        Language.PYTHON,
        "def main(name: str, counts: list[int] = [], at: datetime = None, kind: Literal['a'] = 'a')"
        ": ...",
    )
)


@pytest.mark.parametrize(
    ("args", "param", "words"),
    [
        ({}, "args.name", "needs this argument (string)"),
        ({"name": 1}, "args.name", "not of type"),
        ({"name": "x", "counts": [1, "2"]}, "args.counts.1", 'not of type "integer", such as 3.'),
        ({"name": "x", "counts": "1, 2"}, "args.counts", 'not of type "array", such as [3].'),
        ({"name": "x", "nmae": 1}, "args.nmae", "name, counts, at, kind"),
        ({"name": "x", "at": "noon"}, "args.at", 'not a "date-time"'),
        ({"name": "x", "kind": "b"}, "args.kind", "not one of"),
        ({"name": "x" * 5_000, "counts": ["y" * 5_000]}, "args.counts.0", "…"),
    ],
)
def test_check_names_the_argument_that_does_not_fit(
    args: dict[str, Any], param: str, words: str
) -> None:
    with pytest.raises(ArgumentsInvalid) as refused:
        Arguments().check(SCHEMA, args)

    assert refused.value.param == param
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("hint", "value", "param", "words"),
    [
        ("int | None", "a", "args.x", '"a" is not of type "integer" and not of type "null".'),
        ("Literal['a', 'b', 'c']", "d", "args.x", '"d" is not one of "a", "b", "c".'),
        ("list[int] | None", [1, "a"], "args.x.1", '"a" is not of type "integer".'),
        ("Literal['a'] | None", 1, "args.x", '1 is not one of "a" and not of type "null".'),
    ],
)
def test_check_tells_each_thing_that_an_argument_may_be(
    hint: str, value: object, param: str, words: str
) -> None:
    schema = json.dumps(infer_schema(Language.PYTHON, f"def main(x: {hint}): ..."))

    with pytest.raises(ArgumentsInvalid) as refused:
        Arguments().check(schema, {"x": value})

    assert refused.value.param == param
    assert refused.value.message.endswith(words)


def test_check_takes_what_fits() -> None:
    Arguments().check(
        SCHEMA, {"name": "x", "counts": [1], "at": "2026-01-01T00:00:00Z", "kind": "a"}
    )


def test_check_keeps_only_so_many_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidemill.jobs.code.scripts.arguments.validators_kept_max", 2)
    arguments = Arguments()
    for number in range(5):
        arguments.check(json.dumps({"type": "object", "maxProperties": number + 1}), {})

    assert len(arguments._validators) == 2


def test_check_refuses_what_is_nested_too_deeply_to_be_told() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]

    with pytest.raises(ArgumentsInvalid) as refused:
        Arguments().check('{"properties": {"deep": {"type": "object"}}}', {"deep": deep})

    assert "nested too deeply" in str(refused.value)
