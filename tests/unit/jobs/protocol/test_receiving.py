"""What the receiving half lets the other side send."""

from __future__ import annotations

import pytest

from tidemill.jobs.protocol.errors import ProtocolViolation
from tidemill.jobs.protocol.framing import frames_of
from tidemill.jobs.protocol.messages import Channel, frame_bytes_max
from tidemill.jobs.protocol.receiving import STRANGER, Receiver


def _frames(channel: Channel, count: int) -> list[bytes]:
    return frames_of(channel, bytes(frame_bytes_max * count))


@pytest.mark.parametrize("channel", Channel)
def test_a_message_that_never_ends_holds_no_more_frames_than_were_granted(
    channel: Channel,
) -> None:
    receiver: Receiver[object] = Receiver(STRANGER)
    receiver.grants()
    frames = _frames(channel, STRANGER.of(channel) + 2)[:-1]

    for frame in frames[:-1]:
        assert receiver.parsed(frame) == []
    with pytest.raises(ProtocolViolation, match="than was granted"):
        receiver.parsed(frames[-1])


def test_a_long_message_within_its_grant_is_taken() -> None:
    receiver: Receiver[str] = Receiver(STRANGER)
    receiver.grants()

    found = [one for frame in _frames(Channel.CONTROL, 8) for one in receiver.parsed(frame)]
    receiver.keep(found[0], "greeting")

    assert [(one.channel, one.frames) for one in found] == [(Channel.CONTROL, 8)]
