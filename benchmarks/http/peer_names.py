"""What the peer and its client agree on."""

from __future__ import annotations

SECRET = "k" * 32
TENANT = "0192f0c1-2345-7abc-8def-0123456789ab"
USER = "0192f0c1-2345-7abc-8def-0123456789ac"
PROJECT = "0192f0c1-2345-7abc-8def-0123456789ad"
SCRIPT = "bench/greet"
