from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from tidemill.jobs.code.functions.signatures import Signature, SignatureUnusable
from tidemill.jobs.errors import ArgumentsInvalid


class Colour(Enum):
    RED = "red"


@dataclass
class Port:
    name: str
    depth: Decimal


class Ship(msgspec.Struct):
    port: Port
    crew: list[str] = []


def everything(  # noqa: PLR0917
    ship: Ship,
    when: datetime,
    day: date,
    id_: UUID,
    colour: Colour,
    place: Path,
    mode: Literal["fast", "slow"] = "fast",
    limits: dict[str, int] | None = None,
) -> Ship:
    raise NotImplementedError


ARGUMENTS: dict[str, Any] = {
    "ship": Ship(Port("Husum", Decimal("4.20")), ["Ada"]),
    "when": datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
    "day": date(2026, 11, 21),
    "id_": UUID(int=7),
    "colour": Colour.RED,
    "place": Path("charts") / "north",
    "limits": {"knots": 7},
}


def test_encode_and_decode_give_the_same_values() -> None:
    signature = Signature(everything)

    decoded = signature.decode(signature.encode((), ARGUMENTS))

    assert decoded == ARGUMENTS, "a default is left to the function"


def anything(value: object) -> object:
    return value


def many(value: list[object]) -> dict[str, object]:
    return {"all": value}


def unhinted(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - that is the case
    return value


@pytest.mark.parametrize("function", [anything, many, unhinted])
def test_decode_gives_plain_values_where_hints_leave_them_open(function: Any) -> None:
    signature = Signature(function)
    result = {"all": [1, "two", None, {"three": [4.5]}]}

    arguments = signature.decode(signature.encode((result["all"],), {}))

    assert arguments == {"value": result["all"]}
    assert signature.decode_result(signature.encode_result(result)) == result


def test_decode_leaves_out_what_was_left_out() -> None:
    def greet(name: str, *, loud: bool = True) -> None:
        del name, loud

    signature = Signature(greet)

    assert signature.encode(("Ada",), {}) == b'{"name":"Ada"}'
    assert signature.decode(b'{"name":"Ada"}') == {"name": "Ada"}


def test_encode_writes_defaults_that_are_asked_for_and_have_json() -> None:
    def sail(port: str, knots: int = 5, sails: int = None, rig: Any = len) -> None:  # type: ignore[assignment]  # noqa: RUF013 - people write it
        del port, knots, sails, rig

    signature, names = Signature(sail), ("port", "knots", "sails", "rig", "other")

    assert msgspec.json.decode(signature.encode(("Husum",), {}, written=names)) == {
        "port": "Husum",
        "knots": 5,
    }
    assert msgspec.json.decode(signature.encode(("Husum", 7), {}, written=names))["knots"] == 7
    defaults = {name: one.get("default") for name, one in signature.schema()["properties"].items()}
    assert defaults == {"port": None, "knots": 5, "sails": None, "rig": None}


@pytest.mark.parametrize(
    ("kwargs", "argument", "reason"),
    [
        ({"number": "x"}, "number", "Expected `int`, got `str`"),
        ({"number": 1, "ports": [Port("a", Decimal(1)), 3]}, r"ports\[1\]", "Expected `object`"),
        ({"number": 1, "colour": "blue"}, "colour", "Invalid enum value 'blue'"),
        ({"number": 1, "colour": object()}, "colour", r"object has no form in JSON\.$"),
        ({"number": float}, "number", "type has no form in JSON"),
    ],
)
def test_encode_names_the_argument_that_does_not_fit(
    kwargs: dict[str, Any], argument: str, reason: str
) -> None:
    def visit(number: int, ports: list[Port] | None = None, colour: Colour = Colour.RED) -> None:
        del number, ports, colour

    with pytest.raises(ArgumentsInvalid, match=rf"args\.{argument}: .*{reason}"):
        Signature(visit).encode((), kwargs)


def test_encode_says_what_the_function_takes() -> None:
    def visit(number: int = 0) -> None:
        del number

    with pytest.raises(ArgumentsInvalid, match=r"unexpected keyword.*'numbr'; it takes \(number"):
        Signature(visit).encode((), {"numbr": 1})


def test_decode_names_what_is_missing_or_unknown() -> None:
    signature = Signature(everything)

    with pytest.raises(ArgumentsInvalid, match=r"args\.ship: Object missing required field"):
        signature.decode(b"{}")
    with pytest.raises(ArgumentsInvalid, match=r"args\.speed: Object contains unknown field"):
        signature.decode(signature.encode((), ARGUMENTS)[:-1] + b',"speed":1}')
    with pytest.raises(ArgumentsInvalid):
        signature.decode(b"[]")


def test_signature_refuses_arguments_without_names() -> None:
    def any_number(*numbers: int) -> None:
        del numbers

    def by_place(number: int, /) -> None:
        del number

    for function in (any_number, by_place):
        with pytest.raises(SignatureUnusable, match="a job takes its arguments by name"):
            Signature(function)


def test_hints_that_are_nowhere_are_told_at_the_first_use() -> None:
    signature = Signature(uses_nothing)

    for use in (lambda: signature.encode((1,), {}), signature.schema):
        with pytest.raises(
            SignatureUnusable,
            match=r"^The hints of uses_nothing\([^:]*: [^:]*: name 'Nowhere' is not",
        ):
            use()


@pytest.mark.parametrize("hint", ["1 +", "5", 5])
def test_hints_that_are_no_types_name_their_function(hint: object) -> None:
    def odd(thing: Any = None) -> None:
        del thing

    odd.__annotations__["thing"] = hint

    with pytest.raises(SignatureUnusable, match=r"^The hints of .*odd\("):
        Signature(odd).schema()


def uses_nothing(thing: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    del thing


def test_result_comes_back_as_its_hint_says() -> None:
    signature = Signature(everything)

    encoded = signature.encode_result(ARGUMENTS["ship"])

    assert signature.decode_result(encoded) == ARGUMENTS["ship"]


def test_hints_may_be_defined_further_down() -> None:
    assert Signature(uses_later).decode(b'{"later":{"a":1}}') == {"later": Later(1)}


def uses_later(later: Later) -> None:
    del later


class Later(msgspec.Struct):
    a: int


class FakeModel:
    """Looks like a model of pydantic, as far as we look."""

    def __init__(self, speed: int) -> None:
        self.speed = speed

    def model_dump(self, *, mode: str) -> dict[str, int]:
        assert mode == "json"
        return {"speed": self.speed}

    @classmethod
    def model_validate(cls, value: dict[str, int]) -> FakeModel:
        return cls(value["speed"])

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object"}


def test_models_of_pydantic_are_taken() -> None:
    def sail(model: FakeModel) -> FakeModel:
        return model

    signature = Signature(sail)
    decoded = signature.decode(signature.encode((FakeModel(7),), {}))

    assert decoded["model"].speed == 7
    assert signature.schema()["properties"]["model"] == {"type": "object"}


def test_schema_of_object_takes_whatever_json_has() -> None:
    properties = Signature(many).schema()["properties"]

    assert set(properties["value"]["items"]["type"]) == {
        "array", "boolean", "null", "number", "object", "string",
    }  # fmt: skip


def test_check_names_tells_what_a_call_would_miss() -> None:
    signature = Signature(uses_later)

    signature.check_names({"later"})
    with pytest.raises(ArgumentsInvalid, match=r"missing a required argument: 'later'"):
        signature.check_names({"run"})


def test_schema_describes_the_arguments() -> None:
    schema = Signature(everything).schema()

    assert schema["required"] == ["ship", "when", "day", "id_", "colour", "place"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["mode"] == {"enum": ["fast", "slow"], "default": "fast"}
    assert schema["$defs"]["Port"]["required"] == ["name", "depth"]
