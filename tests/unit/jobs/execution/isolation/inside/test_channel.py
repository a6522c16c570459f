"""Packets between a worker and what it started."""

from __future__ import annotations

import socket

from tidemill.jobs.execution.isolation.inside import channel


def test_receive_packet_takes_a_side_that_went_without_reading_for_gone() -> None:
    """Linux tells of a reset then, which must not keep a supervisor from ending its job."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        channel.send(ours, {"started": 1}, [])
        theirs.close()

        assert channel.receive_packet(ours) == (b"", [])
        assert channel.receive(ours) == (None, [])


def test_receive_gives_the_packet_that_was_sent() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        channel.send(theirs, {"stop": 3}, [])

        assert channel.receive(ours) == ({"stop": 3}, [])
