from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tidemill.infrastructure.observability import configure_logging, set_log_level
from tidemill.infrastructure.observability.logs import wants_json


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    saved = structlog.get_config()
    yield
    structlog.configure(**saved)
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


class Lines:
    """What was logged."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()

    def text(self) -> str:
        return self.stream.getvalue().decode()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def only(self) -> dict[str, Any]:
        (line,) = self.all()
        return line


def logging_to(level: str = "info", *, as_json: bool = True) -> tuple[Lines, Any]:
    lines = Lines()
    configure_logging(level=level, as_json=as_json, stream=lines.stream, once=False, role="api")
    return lines, structlog.get_logger("tidemill.test")


def test_info_writes_one_json_line_with_context_and_fields() -> None:
    """Q33: logs."""
    lines, log = logging_to()
    structlog.contextvars.bind_contextvars(request_id="r1", tenant_id="t1")

    log.info("job.claimed", job_id="j1", waited_ms=3)

    line = lines.only()
    at = line.pop("at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)
    assert line == {
        "level": "info",
        "event": "job.claimed",
        "logger": "tidemill.test",
        "role": "api",
        "request_id": "r1",
        "tenant_id": "t1",
        "job_id": "j1",
        "waited_ms": 3,
    }


def test_set_log_level_takes_effect_on_loggers_in_use() -> None:
    lines, log = logging_to("info")
    log.debug("first.hidden")

    set_log_level("debug")
    log.debug("then.shown")
    set_log_level("error")
    log.warning("again.hidden")
    log.error("still.shown")

    assert [line["event"] for line in lines.all()] == ["then.shown", "still.shown"]


def test_exception_keeps_the_traceback_without_variables() -> None:
    lines, log = logging_to()
    password = "hunter2-hunter2"
    try:
        _ = {"a": password}["b"]
    except KeyError:
        log.exception("step.broke")

    line = lines.only()
    assert line["level"] == "error"
    assert "KeyError: 'b'" in line["exception"]
    assert "hunter2" not in lines.text()


@pytest.mark.parametrize(
    "secret",
    [
        "tmk_0123456789abcdefghij0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJlLWhlcmU",
        "Bearer abcdef0123456789",
        "postgresql://ann:hunter2secret@db.example/x",
        "redis://:hunter2secret@cache",
        "/setup?ticket=abcdef0123456789",
        "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("where", ["field", "event", "nested", "exception", "library"])
def test_lines_never_hold_a_known_secret(secret: str, where: str) -> None:
    lines, log = logging_to()
    kernel = max(re.findall(r"[A-Za-z0-9._]{6,}", secret.rpartition("@")[0] or secret), key=len)
    if where == "field":
        log.info("it.happened", text=f"got {secret} here")
    elif where == "event":
        log.info(secret)
    elif where == "nested":
        log.info("it.happened", data={"list": [{"deep": secret}]})
    elif where == "exception":
        log.error("it.broke", exc_info=RuntimeError(secret))
    else:
        logging.getLogger("some.library").warning("got %s", secret)

    assert "[redacted]" in lines.text()
    assert kernel not in lines.text()


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "smtp_password",
        "access_token",
        "Authorization",
        "set-cookie",
        "jwt",
        "api_key",
        "master_key_previous",
        "secrets.master_key",
    ],
)
def test_fields_with_names_of_secrets_are_hidden(key: str) -> None:
    lines, log = logging_to()

    log.info("it.happened", data={key: "plain words"}, **{key: "plain words"})

    assert "plain words" not in lines.text()


def test_fields_that_only_sound_like_secrets_are_shown() -> None:
    lines, log = logging_to()

    log.info("it.happened", token_id="t1", tokens=12, secret_count=2)

    line = lines.only()
    assert (line["token_id"], line["tokens"], line["secret_count"]) == ("t1", 12, 2)


@pytest.mark.parametrize("as_json", [True, False])
@given(text=st.text())
def test_lines_cannot_be_forged(text: str, *, as_json: bool) -> None:
    lines, log = logging_to(as_json=as_json)

    log.info("it.happened", name=text, data={text: text}, **{"k\n2026 error forged": text})

    written = lines.text()
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", written)


def test_values_are_bounded() -> None:
    lines, log = logging_to()
    loop: list[Any] = []
    loop.append(loop)

    log.info("it.happened", text="x" * 100_000, many=list(range(10_000)), loop=loop, big=10**30)

    assert len(lines.text()) < 20_000
    assert lines.only()["big"] == str(10**30)


def test_text_format_reads_well() -> None:
    lines, log = logging_to(as_json=False)

    log.warning("job.lost", job_id="j1", reason="no answer", data=[1])

    assert re.fullmatch(
        r'\S+Z warning job\.lost role=api job_id=j1 reason="no answer" data=\[1\]\n', lines.text()
    )


def test_lines_of_libraries_take_the_same_way() -> None:
    lines, _ = logging_to()

    logging.getLogger("some.library").warning("slow %s", "query")
    logging.getLogger("aio_pika.connection").info("each frame")

    line = lines.only()
    assert (line["event"], line["logger"]) == ("library.said", "some.library")
    assert line["message"] == "slow query"


def test_a_stream_that_breaks_breaks_nothing_else() -> None:
    lines, log = logging_to()
    lines.stream.close()

    log.info("it.happened")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_wants_json_everywhere_but_on_a_terminal() -> None:
    assert wants_json("json", _Terminal())
    assert not wants_json("text", io.StringIO())
    assert wants_json("auto", io.StringIO())
    assert not wants_json("auto", _Terminal())


SOURCES = sorted(Path("src/tidemill").rglob("*.py"))
LEVELS = {"trace", "debug", "info", "warning", "error", "exception"}


def log_calls(path: Path) -> Iterator[tuple[int, ast.expr | None]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"log", "_log", "logger"}
            and node.func.attr in LEVELS
        ):
            yield node.lineno, node.args[0] if node.args else None


def test_log_events_are_fixed_names_in_every_file() -> None:
    """No sentences with values inside: an event is `thing.verb`, what varies is a field."""
    wrong = [
        f"{path}:{line}"
        for path in SOURCES
        for line, event in log_calls(path)
        if not (
            isinstance(event, ast.Constant)
            and isinstance(event.value, str)
            and re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", event.value)
        )
    ]

    assert wrong == []
    assert len(SOURCES) > 50
