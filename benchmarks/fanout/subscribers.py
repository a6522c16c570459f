"""Many WebSocket clients in a process of their own, as cheap as they can be.

`python -m benchmarks.fanout.subscribers PORT TOKEN TOPIC PROTOCOL COUNT` prints `ready` when all
are subscribed. For each line on its input it prints, as one line of JSON, what was delivered since
the line before; at the end of its input it ends.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import sys
import time
from datetime import datetime
from typing import Any, cast

import uvloop

from tidemill.events.wire.v1 import messages_pb2 as pb

ONE_IN = 20
"""So many clients read what they are told; the others only find where each frame ends."""


class Subscriber(asyncio.Protocol):
    """One client; it keeps its last frame, which says how far it has come."""

    def __init__(self, request: bytes, subscribe: bytes, *, text: bool, reads: bool) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frames = self.bytes = self.facts = 0
        self.latencies: list[float] = []
        self.last = b""
        self._request = request
        self._subscribe = subscribe
        self._text = text
        self.reads = reads
        self._buffer = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        buffer = self._buffer + data if self._buffer else data
        if not self._upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = buffer
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                raise SystemExit(buffer.decode(errors="replace"))
            self._upgraded, buffer = True, buffer[end + 4 :]
            self._send(1 if self._text else 2, self._subscribe)
        self._buffer = self._take_frames(buffer)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionResetError(repr(self.last)))

    def _take_frames(self, buffer: bytes) -> bytes:
        start, have = 0, len(buffer)
        while have - start >= 2:
            length, body = buffer[start + 1], start + 2
            if length == 126:
                body += 2
                length = struct.unpack_from("!H", buffer, start + 2)[0] if have >= body else have
            elif length == 127:
                body += 8
                length = struct.unpack_from("!Q", buffer, start + 2)[0] if have >= body else have
            if have < body + length:
                break
            self._take(buffer[start] & 0x0F, buffer[body : body + length])
            start = body + length
        return buffer[start:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._send(10, payload)
        if opcode not in {1, 2}:
            return
        self.frames += 1
        self.bytes += len(payload)
        self.last = payload
        if not self.ready.done():
            if "subscribed" in self._decoded(payload):
                self.ready.set_result(None)
        elif self.reads:
            now = time.time() * 1e6
            for at in self._instants(payload):
                self.facts += 1
                self.latencies.append((now - at) / 1000)

    def _instants(self, payload: bytes) -> list[int]:
        if self._text:
            frame = json.loads(payload)
            messages = frame.get("batch", {}).get("messages", [frame])
            return [_micros(one["header"]["at"]) for one in messages if "header" in one]
        message = pb.WebSocketMessage.FromString(payload)
        found = list(message.batch.messages) or [message]
        return [one.header.at for one in found if one.HasField("header")]

    def _decoded(self, payload: bytes) -> Any:
        if self._text:
            return json.loads(payload)
        return {pb.WebSocketMessage.FromString(payload).WhichOneof("payload")}

    @property
    def through(self) -> int:
        """How far it has come."""
        if self._text:
            return int(json.loads(self.last)["through_seq"])
        return int(pb.WebSocketMessage.FromString(self.last).through_seq)

    def _send(self, opcode: int, payload: bytes) -> None:
        # A mask of zeros leaves the payload as it is.
        length = len(payload)
        head = bytes([0x80 | opcode]) + (
            bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack("!H", length)
        )
        assert self._transport is not None
        self._transport.write(head + bytes(4) + payload)


def _micros(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp() * 1e6)


def _request(port: int, token: str, protocol: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {protocol}\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


def _summary(all_: list[Subscriber]) -> dict[str, Any]:
    readers = [one for one in all_ if one.reads]
    latencies = sorted(value for one in readers for value in one.latencies)
    summary = {
        "frames": sum(one.frames for one in all_),
        "bytes": sum(one.bytes for one in all_),
        "facts_each": [one.facts for one in readers],
        "through": sorted({one.through for one in all_}),
        "latencies_ms": {
            f"p{q}": round(latencies[min(len(latencies) - 1, len(latencies) * q // 100)], 2)
            for q in (50, 95, 99, 100)
        }
        if latencies
        else {},
    }
    for one in all_:
        one.frames = one.bytes = one.facts = 0
        one.latencies.clear()
    return summary


async def main(port: int, token: str, topic: str, protocol: str, count: int) -> None:
    """Subscribe `count` clients, then answer each line of the input."""
    text = protocol == "tidemill.json"
    subscribe = (
        json.dumps({"subscribe": {"topics": [topic]}}).encode()
        if text
        else pb.WebSocketMessage(subscribe=pb.Subscribe(topics=[topic])).SerializeToString()
    )
    loop = asyncio.get_running_loop()
    all_ = []
    for number in range(count):
        _, one = await loop.create_connection(
            lambda number=number: Subscriber(
                _request(port, token, protocol), subscribe, text=text, reads=number % ONE_IN == 0
            ),
            "127.0.0.1",
            port,
        )
        await one.ready
        all_.append(one)
    print("ready", flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        # How far all must have come, before they say what they saw.
        target = int(line)
        while any(one.through < target for one in all_):  # noqa: ASYNC110 - the end of many
            await asyncio.sleep(0.02)
        print(json.dumps(_summary(all_)), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])))
