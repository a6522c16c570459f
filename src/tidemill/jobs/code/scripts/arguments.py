"""Checks arguments against a script's schema, with errors that name the argument."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.references import is_reference, references_in

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

validators_kept_max: Final = 256
_reason_chars_max: Final = 300
_alternatives_deep_max: Final = 16
_NOT: Final = " is not "
_EXAMPLES: Final[dict[object, object]] = {
    "array": [],
    "boolean": True,
    "integer": 3,
    "number": 1.5,
    "object": {},
    "string": "text",
}


class Arguments:
    """Keeps the validators of the schemas that were used last; `whose` says what takes them."""

    def __init__(self, whose: str = "script") -> None:
        self._whose = whose
        self._validators: OrderedDict[str, Draft202012Validator] = OrderedDict()

    def check(self, schema: str, args: dict[str, Any]) -> None:
        """Raise `ArgumentsInvalid` for the first argument that does not fit `schema` (JSON).

        What an argument refers to is known when the job starts, so a reference fits everything.
        """
        for error in self._errors(schema, args):
            if is_reference(error.instance):
                continue
            raise _named(error, schema, self._whose)

    def check_meant(self, schema: str, args: dict[str, Any], meant: dict[str, Any]) -> None:
        """Raise `ArgumentsInvalid` for the first of `args` that does not fit as it is `meant`.

        The error names the reference, not its value: only the job may be allowed to see that.
        """
        for error in self._errors(schema, meant):
            if is_reference(error.instance) or not error.instance_path:
                continue
            name = str(error.instance_path[0])
            for reference in references_in(args[name]):
                kind = _kind(schema, name)
                reason = f"what {reference} stands for does not fit here{kind}."
                raise ArgumentsInvalid(name, reason)

    def mismatch(self, schema: str, value: Any) -> tuple[str, str] | None:
        """Return where `value` does not fit `schema`, and why; None when it does."""
        wrong = [error for error in self._errors(schema, value) if not is_reference(error.instance)]
        # A name that is not known tells more than that of the one which it was meant to be.
        wrong.sort(key=lambda error: error.kind.name != "additionalProperties")
        return _place(wrong[0], schema) if wrong else None

    def _errors(self, schema: str, value: Any) -> Iterator[ValidationError]:
        validator = self._validator(schema)
        try:
            yield from validator.iter_errors(value)
        except ValueError as error:
            # Of what it cannot show, with 255 levels and more, it tells no error at all.
            reason = "something does not fit, and is nested too deeply to say what."
            raise ArgumentsInvalid(None, reason) from error

    def _validator(self, schema: str) -> Draft202012Validator:
        known = self._validators.get(schema)
        if known is not None:
            self._validators.move_to_end(schema)
            return known
        # Loading it takes 80 ms and 10 MB, which an idle server need not spend.
        from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - costs 80 ms

        made = Draft202012Validator(msgspec.json.decode(schema), validate_formats=True)
        self._validators[schema] = made
        while len(self._validators) > validators_kept_max:
            self._validators.popitem(last=False)
        return made


def _place(error: ValidationError, schema: str) -> tuple[str, str]:
    """Return where something does not fit, and why; of a name that is not known, the nearest."""
    where = [str(part) for part in error.instance_path]
    if error.kind.name != "additionalProperties":
        return ".".join(where), _reason(error)
    unknown = str(next(iter(getattr(error.kind, "unexpected", [])), ""))
    names = list(_part(schema, error.instance_path).get("properties", {}))
    near = difflib.get_close_matches(unknown, names, n=1)
    meant = f"; did you mean {near[0]}?" if near else "."
    reason = f"there is no such field{meant} The type has: {', '.join(names) or 'none'}."
    return ".".join([*where, unknown]), reason


def _named(error: ValidationError, schema: str, whose: str) -> ArgumentsInvalid:
    keyword = error.kind.name
    if keyword == "required" and not error.instance_path:
        missing = str(getattr(error.kind, "property", ""))
        return ArgumentsInvalid(
            missing, f"the {whose} needs this argument{_kind(schema, missing)}."
        )
    if keyword == "additionalProperties" and not error.instance_path:
        unexpected = str(next(iter(getattr(error.kind, "unexpected", [])), ""))
        names = ", ".join(msgspec.json.decode(schema).get("properties", {})) or "none"
        return ArgumentsInvalid(unexpected, f"the {whose} takes no such argument; it has: {names}.")
    error = _closest(error)
    where = ".".join(str(part) for part in error.instance_path)
    reason = _reason(error)
    if keyword == "type" and error.instance_path:
        reason = _with_example(reason, _part(schema, error.instance_path))
    return ArgumentsInvalid(where or None, reason)


def _part(schema: str, path: Sequence[str | int]) -> dict[str, Any]:
    """Return what a schema says of the value at `path`; nothing where it says it elsewhere."""
    part: Any = msgspec.json.decode(schema)
    for step in path:
        part = part.get("items") if isinstance(step, int) else part.get("properties", {}).get(step)
        if not isinstance(part, dict):
            return {}
    found: dict[str, Any] = part
    return found


def _with_example(reason: str, part: dict[str, Any]) -> str:
    if part.get("type") not in _EXAMPLES:
        return reason
    example: Any = _EXAMPLES[part["type"]]
    if part["type"] == "array":
        items = part.get("items")
        inner = items.get("type") if isinstance(items, dict) else None
        example = [_EXAMPLES.get(inner, "text")]
    return f"{reason[:-1]}, such as {msgspec.json.encode(example).decode()}."


def _closest(error: ValidationError) -> ValidationError:
    """Return what is wrong within the one alternative that `error` came close to, if that is one.

    Of `list[int] | None` a list with a text in it is meant as a list: the text is what is wrong.
    """
    for _ in range(_alternatives_deep_max):
        deeper = [one for one in _alternatives(error) if one.instance_path != error.instance_path]
        if len(deeper) != 1:
            break
        error = deeper[0]
    return error


def _alternatives(error: ValidationError) -> list[ValidationError]:
    """Return what speaks against each alternative of `anyOf`; nothing for another keyword."""
    return [errors[0] for errors in getattr(error.kind, "context", ()) if errors]


def _told(error: ValidationError) -> str:
    if error.kind.name == "enum":
        choices = ", ".join(_json(choice) for choice in getattr(error.kind, "options", ()))
        return f"{_json(error.instance)} is not one of {choices}"
    if error.kind.name == "anyOf":
        wanted = [_told(one).rpartition(_NOT)[2] for one in _alternatives(error)]
        return f"{_json(error.instance)}{_NOT}{' and not '.join(wanted)}"
    return error.message


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _reason(error: ValidationError) -> str:
    reason = _told(error)
    if len(reason) > _reason_chars_max:
        reason = f"{reason[: _reason_chars_max - 1]}…"
    return f"{reason}."


def _kind(schema: str, name: str) -> str:
    kind = msgspec.json.decode(schema).get("properties", {}).get(name, {}).get("type")
    return f" ({kind})" if isinstance(kind, str) else ""
