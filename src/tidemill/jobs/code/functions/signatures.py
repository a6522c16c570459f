"""Arguments and results as JSON, by the type hints of a function."""

from __future__ import annotations

import contextlib
import inspect
import re
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

import msgspec

from tidemill.jobs.errors import ArgumentsInvalid

Schema = dict[str, Any]

_PATH: Final = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_NOTHING: Final = b"{}"
_NULL: Final = b"null"
_JSON_TYPES: Final = ("array", "boolean", "null", "number", "object", "string")
_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class SignatureUnusable(TypeError):
    """A function cannot be a job, because of how it takes its arguments."""


class Signature:
    """What a function takes and returns. Hints are resolved when they are used first.

    So a module may name types that it defines further down.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._signature = inspect.signature(function)
        for parameter in self._signature.parameters.values():
            if parameter.kind not in _NAMED:
                raise SignatureUnusable(
                    f"{function.__qualname__} takes {parameter}: a job takes its arguments by "
                    "name. Give each one a name, and pass many as a list or a dict."
                )
        parameters = self._signature.parameters
        self.names = parameters.keys()
        self._by_place = [
            name
            for name, parameter in parameters.items()
            if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ]
        self._required = {
            name
            for name, parameter in parameters.items()
            if parameter.default is inspect.Parameter.empty
        }
        self._decoder: msgspec.json.Decoder[Any] | None = None
        self._fields: type[msgspec.Struct] | None = None
        self._result: msgspec.json.Decoder[Any] | None = None
        self._plain: dict[str, Any] | None = None
        self._encoder: Final = msgspec.json.Encoder(enc_hook=to_builtins)

    def encode(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, written: Collection[str] = ()
    ) -> bytes:
        """Return arguments as a JSON object, checked. Raises `ArgumentsInvalid`.

        Those of `written` that are not given are in it with their defaults.
        """
        if not args and not kwargs and not self._required and not written:
            return _NOTHING
        bound = self._bound(args, kwargs)
        if written:
            defaults = self._defaults()
            bound = {name: defaults[name] for name in defaults if name in written} | {**bound}
        try:
            encoded = self._encoder.encode(bound)
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise self._unencodable(bound) from None
        self._decoded(encoded)
        return encoded

    def check_names(self, given: Collection[str]) -> None:
        """Raise `ArgumentsInvalid` unless it can be called with arguments of these names."""
        self._bound((), dict.fromkeys(given))

    def decode(self, arguments: bytes) -> dict[str, Any]:
        """Return what the function is called with. Raises `ArgumentsInvalid`."""
        if arguments == _NOTHING and not self._required:
            return {}
        values = self._decoded(arguments)
        return {
            name: value
            for name in self._signature.parameters
            if (value := getattr(values, name)) is not msgspec.UNSET
        }

    def encode_result(self, value: object) -> bytes:
        """Return a result as JSON; raises `TypeError` or `ValueError` for what has no JSON."""
        return _NULL if value is None else self._encoder.encode(value)

    def decode_result(self, result: bytes) -> Any:
        """Return a result as the function's return hint says, or plain where that cannot be."""
        if self._result is None:
            hint = self._hints().get("return", Any)
            try:
                self._result = msgspec.json.Decoder(hint, dec_hook=from_builtins)
            except TypeError:
                self._result = msgspec.json.Decoder(Any)
        return self._result.decode(result)

    def schema(self) -> Schema:
        """Return the JSON Schema of the arguments."""
        fields = self._structure()
        try:
            schema, components = msgspec.json.schema_components(
                [fields], schema_hook=_schema_of, ref_template="#/$defs/{name}"
            )
        except TypeError as error:
            raise self._unusable(error) from error
        own = components.pop(fields.__name__, schema[0])
        properties: Schema = own.get("properties", {})
        for name, default in self._defaults().items():
            properties[name] = {**properties[name], "default": default}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": own.get("required", []),
            "additionalProperties": False,
            **({"$defs": components} if components else {}),
        }

    def _defaults(self) -> Mapping[str, Any]:
        """Return the defaults that have a form in JSON which their hints take, in that form."""
        if self._plain is None:
            self._plain = {}
            for name, parameter in self._signature.parameters.items():
                hint = self._hints().get(name, Any)
                if name in self._required:
                    continue
                with contextlib.suppress(TypeError, ValueError, OverflowError, RecursionError):
                    plain = self._encoder.encode(parameter.default)
                    msgspec.json.decode(plain, type=hint, dec_hook=from_builtins)
                    self._plain[name] = msgspec.json.decode(plain)
        return self._plain

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        bound = dict(zip(self._by_place, args, strict=False))
        bound.update(kwargs)
        given = len(args) + len(kwargs)
        if len(bound) == given and self._required <= bound.keys() <= self.names:
            return bound
        # Something does not fit, and this says best what: a call would say the same.
        try:
            return self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise ArgumentsInvalid(None, f"{error}; it takes {self._signature}.") from None

    def _decoded(self, arguments: bytes) -> Any:
        if self._decoder is None:
            fields = self._structure()
            try:
                self._decoder = msgspec.json.Decoder(fields, dec_hook=from_builtins)
            except TypeError as error:
                raise self._unusable(error) from error
        try:
            return self._decoder.decode(arguments)
        except msgspec.ValidationError as error:
            raise _named(error) from None
        except msgspec.DecodeError as error:
            raise ArgumentsInvalid(None, f"{error}.") from None

    def _structure(self) -> type[msgspec.Struct]:
        if self._fields is None:
            hints = self._hints()
            try:
                self._fields = self._struct_of(hints)
            except TypeError as error:
                raise self._unusable(error) from error
        return self._fields

    def _struct_of(self, hints: Mapping[str, Any]) -> type[msgspec.Struct]:
        fields: list[Any] = []
        for name, parameter in self._signature.parameters.items():
            hint = hints.get(name, Any)
            if parameter.default is inspect.Parameter.empty:
                fields.append((name, hint))
            else:
                optional = Any if hint is Any else hint | msgspec.UnsetType
                fields.append((name, optional, msgspec.UNSET))
        return msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True)

    def _hints(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(self._function, include_extras=True)
        except (NameError, AttributeError, SyntaxError, TypeError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> SignatureUnusable:
        return SignatureUnusable(
            f"The hints of {self._function.__qualname__}{self._signature} cannot be used: {error}. "
            "Types of a job's arguments must be there at run time, and have a form in JSON."
        )

    def _unencodable(self, bound: Mapping[str, Any]) -> ArgumentsInvalid:
        for name, value in bound.items():
            try:
                self._encoder.encode(value)
            except TypeError as error:
                return ArgumentsInvalid(name, f"{str(error).rstrip('.')}.")
            except (ValueError, OverflowError, RecursionError) as error:
                return ArgumentsInvalid(name, f"{error}: it must have a form in JSON.")
        return ArgumentsInvalid(None, "they must have a form in JSON.")


def to_builtins(value: Any) -> Any:
    """Return what stands for `value` in JSON, for types that msgspec does not know."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def from_builtins(hint: Any, value: Any) -> Any:
    """Return what JSON stands for, for types that msgspec does not know."""
    if hint is object:
        return value  # Anything is one, so that what JSON has is as right as can be.
    validate = getattr(hint, "model_validate", None)
    if validate is not None:
        return validate(value)
    if isinstance(hint, type) and issubclass(hint, PurePath) and isinstance(value, str):
        return hint(value)
    raise TypeError(f"{getattr(hint, '__name__', hint)} has no form in JSON")


def _schema_of(hint: Any) -> Schema:
    if hint is object:
        return {"type": list(_JSON_TYPES)}
    describe = getattr(hint, "model_json_schema", None)
    if describe is not None:
        schema: Schema = describe()
        return schema
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return {"type": "string"}
    return {}


def _named(error: msgspec.ValidationError) -> ArgumentsInvalid:
    text = str(error)
    found = _PATH.search(text)
    reason = text if found is None else text[: found.start()]
    missing = re.match(r"Object missing required field `(?P<name>\w+)`", reason)
    unexpected = re.match(r"Object contains unknown field `(?P<name>\w+)`", reason)
    where = None if found is None else found["path"]
    for match in (missing, unexpected):
        if match is not None:
            where = f"{where}.{match['name']}" if where else match["name"]
    return ArgumentsInvalid(where or None, f"{reason}.")
