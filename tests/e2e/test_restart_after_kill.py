"""Whoever starts Tidemill again after `kill -9` gets it, though its old processes still end."""

from __future__ import annotations

import os
import signal

from tests.fixtures.server import API, SUPERVISOR, Server
from tests.fixtures.waiting import wait_until


def test_up_waits_for_the_orphan_that_has_its_port_and_its_data() -> None:
    with Server() as server:
        orphan = server.pid_of(API)
        assert orphan is not None
        os.kill(orphan, signal.SIGSTOP)  # It cannot end before it may go on.
        try:
            server.kill(SUPERVISOR)
            server.start(wait=False)
            wait_until(
                lambda: f"Waiting for process {orphan} to end" in server.log,
                seconds_max=60,
                what="the word that it waits",
            )
        finally:
            os.kill(orphan, signal.SIGCONT)

        # The orphan may still answer while it ends, so that being ready alone says nothing.
        wait_until(
            lambda: server.pid_of(API) not in {None, orphan}, seconds_max=60, what="another API"
        )
        server.wait_ready()

        assert "in use" not in server.log
