"""What was wrong with the words of a command, told in ours instead of the parser's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from typer.exceptions import TyperException

_NUMBER: Final = "a whole number"

# By pydantic's name of the mistake: what a value must be instead, from the limits it names.
_WANTED: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "int_parsing": lambda _: _NUMBER,
    "int_parsing_size": lambda _: f"{_NUMBER} of fewer digits",
    "int_type": lambda _: _NUMBER,
    "int_from_float": lambda _: _NUMBER,
    "float_parsing": lambda _: "a number",
    "greater_than_equal": lambda limits: f"at least {limits['ge']}",
    "greater_than": lambda limits: f"more than {limits['gt']}",
    "less_than_equal": lambda limits: f"at most {limits['le']}",
    "less_than": lambda limits: f"less than {limits['lt']}",
    "enum": lambda limits: str(limits["expected"]),
    "literal_error": lambda limits: str(limits["expected"]),
}


def usage_message(error: TyperException) -> str:
    """Return one line: what is wrong, and where the command's help is."""
    message = _value_refused(error) or error.format_message()
    if not message.endswith("?"):
        message = f"{message.rstrip('.')}."
    context = getattr(error, "ctx", None)
    hint = f" See `{context.command_path} --help`." if context is not None else ""
    return f"{message}{hint}"


def _value_refused(error: TyperException) -> str | None:
    """Return what a value should have been; None when something else was wrong."""
    parameter = getattr(error, "param", None)
    mistakes = getattr(error.__cause__, "errors", None)
    if parameter is None or mistakes is None:
        return None
    mistake = mistakes(include_url=False)[0]
    name = max(parameter.opts, key=len)
    if mistake["type"] == "value_error":
        return f"{name}: {mistake['ctx']['error']}"
    wanted = _WANTED.get(mistake["type"])
    if wanted is None:
        return None
    return f"{name} must be {wanted(mistake.get('ctx', {}))}, not {mistake['input']!r}"
