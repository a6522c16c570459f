"""Makes one HTTP request that the script describes, with its arguments in their places."""

from __future__ import annotations

import json
import time
from typing import Any, Final, NoReturn

from .answers import Failed, encoded, fail, plain, succeed
from .journal import say

_RETRY_SECONDS_MAX: Final = 30.0
_TEXT_CHARS_IN_ERROR: Final = 500


def run(specification: dict[str, Any], result: int) -> NoReturn:
    """Make the request, again where that helps; status, headers and body are the result."""
    from .addresses import Guard  # noqa: PLC0415 - only jobs on the network need it
    from .request import Exchange, Request  # noqa: PLC0415 - as above

    settings = specification["settings"]
    arguments = json.loads(specification["arguments"])
    try:
        document = settings["request"]
        for name, default in settings["defaults"].items():
            arguments.setdefault(name, default)
        exchange = Exchange(Guard(settings["addresses_allowed"]), settings)
        request = Request.of(document, arguments)
        exchange.authorize(request, document.get("auth"), arguments)
        answer = _tried(exchange, request, document)
    except Failed as failed:
        fail(result, failed.kind, str(failed))
    except OSError as error:
        fail(result, "ConnectionFailed", f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - whatever an answer breaks is the job's error
        fail(result, type(error).__name__, str(error))
    succeed(result, encoded(plain(answer)))


def _tried(exchange: Any, request: Any, document: dict[str, Any]) -> dict[str, Any]:
    """Return the first answer that is expected, in as many tries as the document allows."""
    tries: int = document["retries"] + 1
    statuses = set(document["retry_statuses"])
    for number in range(1, tries + 1):
        last = number == tries
        try:
            answer: dict[str, Any] = exchange.ask(request)
        except OSError as error:
            if last:
                raise
            say("WARNING", f"try {number} failed: {type(error).__name__}: {error}")
            _wait(number, None)
            continue
        say("INFO", f"{request.method} {request.host} answered {answer['status']}")
        if answer["status"] in statuses and not last:
            _wait(number, answer["headers"].get("retry-after"))
            continue
        if answer["status"] in document["expect"] or (
            not document["expect"] and answer["status"] < 400
        ):
            return answer
        raise Failed("HttpStatus", _complaint(request, answer))
    raise AssertionError("unreachable")


def _wait(number: int, asked: str | None) -> None:
    # A server may send anything, such as a date, or digits that are no number.
    is_number = asked is not None and asked.isascii() and asked.isdigit()
    seconds = float(asked or 0) if is_number else 0.5 * 2.0 ** (number - 1)
    time.sleep(min(seconds, _RETRY_SECONDS_MAX))


def _complaint(request: Any, answer: dict[str, Any]) -> str:
    body = answer["body"]
    shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return (
        f"{request.method} {request.host} answered {answer['status']}: "
        f"{shown[:_TEXT_CHARS_IN_ERROR]}"
    )
