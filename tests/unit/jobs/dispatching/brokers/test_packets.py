from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.dispatching.brokers.packets import Kind, Order, Packet, decoded, encoded


def a_packet(number: int) -> Packet:
    return Packet(Kind.DATA, "talk", number, "tasks.one", str(number).encode())


def read(order: Order, *numbers: int, now: float = 0.0) -> list[int]:
    return [
        packet.number
        for number in numbers
        for packet, _ in order.take(a_packet(number), None, now=now)
    ]


def test_decoded_gives_what_was_encoded() -> None:
    assert decoded(encoded(a_packet(7))) == a_packet(7)


def test_packet_id_is_the_same_when_a_packet_is_made_again() -> None:
    assert a_packet(7).packet_id == a_packet(7).packet_id
    assert a_packet(7).packet_id != a_packet(8).packet_id


@given(st.lists(st.integers(0, 9), max_size=40).map(lambda more: [*more, *range(10)]))
def test_take_returns_each_packet_once_and_in_order(numbers: list[int]) -> None:
    assert read(Order(100), *numbers) == list(range(10))


def test_take_says_since_when_a_packet_is_missing() -> None:
    order = Order(100)

    read(order, 0, 2, now=5.0)
    read(order, 3, now=6.0)

    assert order.missing_since == 5.0


def test_take_forgets_what_was_missing_when_it_comes() -> None:
    order = Order(100)
    read(order, 2, 0, now=5.0)

    assert read(order, 1, now=6.0) == [1, 2]
    assert order.missing_since is None


def test_announced_notices_that_the_last_packet_is_missing() -> None:
    order = Order(100)
    read(order, 0)

    order.announced(2, now=3.0)

    assert order.missing_since == 3.0


def test_wants_refuses_what_lies_too_far_ahead() -> None:
    order = Order(4)

    assert [number for number in range(8) if order.wants(a_packet(number))] == [0, 1, 2, 3]


def test_left_returns_what_nobody_has_read() -> None:
    order = Order(100)
    order.take(a_packet(1), "one", now=0.0)
    order.take(a_packet(2), "two", now=0.0)

    assert sorted(map(str, order.left())) == ["one", "two"]
