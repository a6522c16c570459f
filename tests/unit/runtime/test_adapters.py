from __future__ import annotations

import pytest

from tidemill.core.config import KEYS, BadValue, Config
from tidemill.core.config.sections.storing import BusKind, Events, MessageQueue
from tidemill.runtime.adapters import bus_options


@pytest.mark.parametrize("kind", [BusKind.AUTO, BusKind.MEMORY, BusKind.NATS])
def test_bus_options_name_the_prefix_of_the_installation(kind: BusKind) -> None:
    config = Config(
        events=Events(bus=kind, bus_prefix="harbour"),
        message_queue=MessageQueue(url="nats://broker:4222"),
    )

    assert bus_options(config).prefix == "harbour"


@pytest.mark.parametrize("text", ["", "a.b", "a b", "*", ">", "x" * 33, "é"])
def test_bus_prefix_is_one_word(text: str) -> None:
    with pytest.raises(BadValue, match="one word"):
        KEYS["events.bus_prefix"].accept(text)
