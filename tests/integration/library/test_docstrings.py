"""Q37: every public name of the library has a docstring with an example and its error cases."""

from __future__ import annotations

import ast
import asyncio
import builtins
import doctest
import importlib
import inspect
import re
import sqlite3
import textwrap
import traceback
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

import tidemill
from tests.fixtures.run import run_directory, unique_name
from tidemill import context, errors
from tidemill.jobs.code.functions.registry import REGISTRY

Names = dict[str, Any]

_CONTEXT: Final = "context"
_TWIN: Final = re.compile(r"See `(\w+)`")
_TOLD: Final = re.compile(r"\b[Rr]aises?\b(?:[^.]|\.(?!\s|$))*")
_ERROR: Final = re.compile(r"`([A-Z]\w+)`")
_PROGRAM: Final = "shop/tasks.py"
_LOADED_LATER: Final = ("tidemill.runtime.queue.control", "tidemill.runtime.queue.schedules")

NO_TEXT: Final = {"__version__": "a text, whose form is that of packages"}
NOT_ASKED: Final = {"JobInfo.of": "what it takes is a row of the queue, which programs never hold"}
SHOWN_BY: Final = {
    # What describes these describes the HTTP API, too, whose readers may know no Python.
    "JobState": "JobHandle.state",
    "OnConflict": "Unique",
    "Strategy": "Concurrency",
    "UniqueBy": "Unique",
}
OUTSIDE_OF_JOBS: Final = {"context.NotInJob": "raised where no job runs"}
CANNOT_FAIL: Final = {
    "JobFunction.handle": "an id is looked up when the handle is used",
    "Jobs.handle": "as above",
    "Limits.consistent": "chooses between what is given",
    "Limits.expires_after": "a sum of what is given",
    "Limits.over": "chooses between what is given",
    "Limits.within": "as above",
    "Limits.to_json": "what a rule holds has a form in JSON",
    "Retry.covers": "looks at a type",
    "Retry.delay": "a product of what was checked when the rule was made",
    "context.current": "None stands for no job",
    "context.heartbeat": "does nothing where no job runs",
    "context.is_cancelled": "false where no job runs",
}


def public() -> Iterator[tuple[str, Any]]:
    """Yield every public function, class and method, by the name that a program uses."""
    for name in set(tidemill.__all__) - NO_TEXT.keys():
        yield from _with_methods(name, getattr(tidemill, name))
    for name in context.__all__:
        yield from _with_methods(f"{_CONTEXT}.{name}", getattr(context, name))


def _with_methods(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    yield name, thing
    if not isinstance(thing, type):
        return
    own = [kind for kind in thing.__mro__ if kind.__module__.startswith("tidemill.")]
    members = {key: member for kind in reversed(own) for key, member in vars(kind).items()}
    for key, member in members.items():
        is_method = inspect.isfunction(member) or isinstance(member, classmethod | property)
        if is_method and not key.startswith("_") and f"{name}.{key}" not in NOT_ASKED:
            yield f"{name}.{key}", member


PUBLIC: Final = dict(sorted(public()))


def text_of(name: str) -> str:
    """Return a docstring; that of a `_sync` form is its twin's."""
    said = inspect.getdoc(PUBLIC[name]) or ""
    twin = _TWIN.match(said)
    return said if twin is None else f"{said}\n{text_of(_beside(name, twin[1]))}"


def _beside(name: str, other: str) -> str:
    return f"{name.rpartition('.')[0]}.{other}"


def _raised_in(thing: Any) -> set[str]:
    """Return the errors that the code of a function, or the making of a value, raises itself."""
    parts = [thing]
    if isinstance(thing, type):
        parts = [vars(thing)[name] for name in ("__init__", "__post_init__") if name in vars(thing)]
    functions = [_function_of(part) for part in parts]
    trees = [ast.parse(textwrap.dedent(inspect.getsource(one))) for one in functions if one]
    raised = {node.exc for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Raise)}
    called = {error.func if isinstance(error, ast.Call) else error for error in raised}
    return {error.id for error in called if isinstance(error, ast.Name) and error.id[0].isupper()}


def _function_of(part: Any) -> Any:
    part = part.fget if isinstance(part, property) else getattr(part, "__func__", part)
    return part if inspect.isfunction(part) else None


def _is_function(name: str) -> bool:
    return _function_of(PUBLIC[name]) is not None and not isinstance(PUBLIC[name], property)


def _errors(kind: type[BaseException] = BaseException) -> Iterator[str]:
    yield kind.__name__
    for below in kind.__subclasses__():
        yield from _errors(below)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_integration_have_an_example(name: str) -> None:
    text = text_of(SHOWN_BY.get(name, name))

    assert ">>> " in text
    assert name not in SHOWN_BY or f"{name}." in text


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_integration_tell_the_errors_that_the_code_raises(name: str) -> None:
    told = " ".join(_TOLD.findall(text_of(name)))

    assert _raised_in(PUBLIC[name]) - set(_ERROR.findall(told)) == set()
    assert not _is_function(name) or bool(told) is (name not in CANNOT_FAIL)


def test_docstrings_integration_name_errors_that_exist() -> None:
    for module in _LOADED_LATER:
        importlib.import_module(module)
    parts = [part for name in PUBLIC for part in _TOLD.findall(text_of(name))]

    assert {error for part in parts for error in _ERROR.findall(part)} - set(_errors()) == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_integration_name_errors_that_programs_can_import(name: str) -> None:
    own = context if name.startswith(_CONTEXT) else tidemill
    told = {error for part in _TOLD.findall(text_of(name)) for error in _ERROR.findall(part)}
    offered = {*own.__all__, *errors.__all__, *vars(builtins)}

    assert told - offered == set()


@pytest.fixture(scope="module")
async def program() -> AsyncIterator[Names]:
    """Run a program of its own, `shop.tasks`, with a worker; yield the names in it."""
    directory = run_directory() / unique_name("docstrings").removeprefix("tidemill_test_")
    directory.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setattr(REGISTRY, "_declared", dict(REGISTRY.all()))
        patch.setattr(tidemill.Tidemill, "_own", None)
        app = tidemill.Tidemill("sqlite:///jobs.db", outboxes=["shop.db"])
        names = _names_of(app)
        async with app, app.worker():
            yield names
        app.close_sync()


def _names_of(app: tidemill.Tidemill) -> Names:
    @tidemill.job(name="shop.tasks:charge")
    async def charge(number: int, cents: int = 100) -> int:
        return cents

    @tidemill.job(name="shop.tasks:refuse")
    async def refuse(number: int) -> None:
        raise ConnectionError(f"no answer to {number}")

    @tidemill.job(name="shop.tasks:sail")
    async def sail() -> None:
        await asyncio.sleep(3600)

    names: Names = {
        "__name__": "shop.tasks",
        "UTC": UTC,
        "app": app,
        "charge": charge,
        "context": context,
        "datetime": datetime,
        "refuse": refuse,
        "sail": sail,
        "sqlite3": sqlite3,
        "tidemill": tidemill,
        "timedelta": timedelta,
    }

    @tidemill.job(name="shop.tasks:nightly")
    async def nightly(text: str) -> list[str]:
        return await mistakes_in(text, names)

    return {**names, "nightly": nightly}


@pytest.mark.anyio
@pytest.mark.parametrize("name", [name for name in PUBLIC if not _TWIN.match(text_of(name))])
async def test_docstrings_integration_examples_do_what_they_show(program: Names, name: str) -> None:
    text = text_of(name)
    if name.partition(".")[0] == _CONTEXT and name not in OUTSIDE_OF_JOBS:
        job = await program["nightly"].enqueue(text)
        mistakes = await job.result(timeout=60)
    else:
        mistakes = await mistakes_in(text, program)

    assert mistakes == []


async def mistakes_in(text: str, program: Names) -> list[str]:
    """Run the examples of a docstring one after the other; return where they do something else."""
    names, mistakes = dict(program), []
    for example in doctest.DocTestParser().get_examples(text):
        got = await _outcome(example.source, names)
        want = example.want if example.exc_msg is None else example.exc_msg
        if not doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS):
            mistakes.append(f">>> {example.source}expected: {want}got: {got}")
    return mistakes


async def _outcome(source: str, names: Names) -> str:
    """Return what an interpreter that knows `await` would show, as `python -m asyncio` does."""
    said: list[str] = []
    names["print"] = lambda *words: said.append(" ".join(map(str, words)) + "\n")
    tree = ast.parse(source)
    is_value = len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)
    mode, flags = "eval" if is_value else "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(source.strip() + "\n", _PROGRAM, mode, flags, dont_inherit=True)
    try:
        value = eval(code, names)  # noqa: S307 - the examples are the project's own
        if code.co_flags & inspect.CO_COROUTINE:
            value = await value
    except Exception as error:  # noqa: BLE001 - shown, as an interpreter does
        return traceback.format_exception_only(error)[-1]
    return "".join(said) + ("" if value is None else f"{value!r}\n")
