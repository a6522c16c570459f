"""Packets with descriptors between a worker and what it started. One packet is one JSON object."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

packet_bytes_max: Final = 64 * 1024
_descriptors_max: Final = 8


def send(plug: socket.socket, message: dict[str, Any], descriptors: list[int]) -> None:
    """Send one packet."""
    socket.send_fds(plug, [json.dumps(message).encode()], descriptors)


def pass_on(plug: socket.socket, packet: bytes, descriptors: list[int]) -> None:
    """Send a packet as it has come from somebody else."""
    socket.send_fds(plug, [packet], descriptors)


def receive(plug: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Return the next packet and its descriptors; None when the other side is gone."""
    data, descriptors = receive_packet(plug)
    return (json.loads(data) if data else None), descriptors


def receive_packet(plug: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next packet as it is, empty when the other side is gone, and its descriptors."""
    try:
        data, descriptors, _, _ = socket.recv_fds(
            plug, packet_bytes_max, _descriptors_max, socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionResetError:
        # So it is told where the other side went without having read what was sent to it.
        return b"", []
    return data, descriptors
