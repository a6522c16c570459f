from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import structs

from tidemill.core.config import KEYS, Given, Layers, Origin, Scope, Source
from tidemill.core.config.about import About
from tidemill.settings.live import models
from tidemill.settings.live.models import LiveValues

STORED = Origin(source=Source.DATABASE, scope=Scope.INSTALLATION)


def stored(value: object) -> dict[str, list[Given]]:
    return {"log.access": [Given(value=value, origin=STORED)]}


def test_apply_tells_only_who_waits_for_what_changed() -> None:
    values = LiveValues(Layers())
    level: list[Any] = []
    requests: list[Any] = []
    values.on_change("log.level", level.append)
    values.on_change("limits.requests_per_minute", requests.append)
    given = {"limits.requests_per_minute": [Given(value=7, origin=STORED)]}

    values.apply(given)
    values.apply(given)
    values.apply({})

    assert requests == [7, 600_000]
    assert level == []


def test_apply_goes_on_after_a_listener_that_fails() -> None:
    values = LiveValues(Layers())
    heard: list[Any] = []

    def fail(value: object) -> None:
        raise RuntimeError(str(value))

    values.on_change("log.access", fail)
    values.on_change("log.access", heard.append)

    failures = values.apply(stored(value=False))

    assert heard == [False]
    assert [str(failure) for failure in failures] == ["False"]


def test_on_change_refuses_an_unknown_key() -> None:
    with pytest.raises(KeyError):
        LiveValues(Layers()).on_change("log.levle", print)


def test_adopt_takes_over_what_another_process_has_stored() -> None:
    here, there = LiveValues(Layers()), LiveValues(Layers())
    heard: list[Any] = []
    there.on_change("log.level", heard.append)
    level = [Given(value=KEYS["log.level"].accept("debug"), origin=STORED)]
    here.apply({"log.level": level})

    there.adopt(msgspec.json.decode(msgspec.json.encode(here.stored())))

    assert heard == ["debug"]
    assert there.get("log.level") is here.get("log.level")


def test_adopt_passes_over_what_this_release_does_not_know() -> None:
    values = LiveValues(Layers())

    failures = values.adopt({"log.level": "loud", "log.colour": "red", "server.port": 1})

    assert failures == []
    assert values.stored() == {}


def test_stored_leaves_out_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent to workers, which run what strangers wrote."""
    secret = structs.replace(KEYS["auth.jwt_secret"], about=About(live=True, secret=True))
    monkeypatch.setattr(models, "KEYS", {**KEYS, secret.name: secret})
    values = LiveValues(Layers())

    values.apply({secret.name: [Given(value="s" * 48, origin=STORED)], **stored(value=False)})

    assert values.stored() == {"log.access": False}
